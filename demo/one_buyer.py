"""One person over two channels, a web shop and a chat bot: what docs/one-buyer.md shows is recorded here.

Everything goes over the wire. What she does on a channel is done by its test control (spec/openapi/channel.yaml), which
takes the same path as her own click.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

from person import Merchant, call, seen
from processes import VGCP, DemoError
from recorder import Recorder
from stage import Twins, sandbox_twins

Json = dict[str, Any]
PAGE = Path(__file__).resolve().parent.parent / "docs" / "one-buyer.md"
MAIL = "lin@example.com"
GAME, COURSE = "Starfall Odyssey: active", "Course: pixel art: active"


class Story:
    """The steps in their order, and what they leave for the next."""

    def __init__(self, twins: Twins, folder: Path) -> None:
        self.merchant = Merchant(twins.gateway_url, twins.secret)
        self.folder = folder
        urls = {
            twins.gateway_url: "https://gateway",
            twins.shop_url: "https://shop",
            twins.bot_url: "https://bot",
        }
        self.record = Recorder(urls)
        self.shop = self.merchant.open_door("Corner shop", twins.shop_url)
        self.bot = self.merchant.open_door("Chat bot", twins.bot_url)
        self.doors = ((self.shop, "lin"), (self.bot, "lin-in-chat"))
        self.mine = ""  # the entitlement that the story is about

    def tell(self) -> None:
        """All of it, in the order of the page."""
        self.buy()
        self.link()
        self.see_all()
        self.prove()
        self.hand_on()
        self.read_the_log()
        self.withdraw()
        self.export()
        self.erase()

    def buy(self) -> None:
        """A game key in the shop, a course in the chat."""
        offers = (
            self.merchant.offer("Starfall Odyssey", "code", 1499),
            self.merchant.offer("Course: pixel art", "licence", 4900),
        )
        for (door, who), offer in zip(self.doors, offers, strict=True):
            door.do("POST", "/sync")
            bought = door.buy(who, offer["id"])
            expect(bought["outcome"] == "fulfilled", "she got what she bought", bought)
            hidden = [f"({len(goods)} characters, for her eyes only)" for goods in bought.pop("goods_shown")]
            shown = {**bought, "goods_shown": hidden, "intent_id": "…"}
            self.record.show("buy", f"{door.name}: {who} buys {offer['product']['name']}", shown)
        self.look("before", [GAME], [COURSE])

    def look(self, place: str, in_shop: list[str], in_chat: list[str]) -> None:
        """What both channels show as hers; it must be this."""
        for (door, who), wanted in zip(self.doors, (in_shop, in_chat), strict=True):
            shown = seen(door.goods(who))
            expect(shown == wanted, f"{door.name} shows {wanted}", shown)
            self.record.show(place, f"{door.name}: what {who} is shown as hers", shown)

    def link(self) -> None:
        """By a code to her address, once on each channel."""
        for door, who in self.doors:
            begun = door.do("POST", f"/buyers/{who}/links", {"kind": "email_code", "email": MAIL})
            code = self.merchant.code_for(MAIL)
            self.record.keep_secret(code, "(the code)")
            done = door.do("POST", f"/buyers/{who}/links/{begun['link_id']}/confirm", {"code": code})
            expect(done["status"] == "confirmed", "her proof is taken", done)
            self.record.show("link", f"{door.name}: {who} enters (the code) that was mailed to her", done)
        profiles = [self.merchant.buyer(door, who) for door, who in self.doors]
        expect(profiles[0]["id"] != profiles[1]["id"], "an id of her own on each channel", profiles)
        for (door, _), profile in zip(self.doors, profiles, strict=True):
            known = {name: profile[name] for name in ("id", "linked")}
            self.record.show("ids", f"how {door.name} knows her", known)
        self.look("linked", [GAME], [COURSE])

    def see_all(self) -> None:
        """Linked is not shown: that takes her consent."""
        wish = {"decision": "given", "scope": "all_channels"}
        answer = self.shop.do("PUT", "/buyers/lin/consents/personalisation", wish)
        self.record.show("allow", "Corner shop: lin allows it, on all channels", answer)
        self.look("all", [COURSE, GAME], [COURSE, GAME])
        path = f"/buyers/{self.merchant.buyer(self.shop, 'lin')['id']}/consents/personalisation"
        receipt = self.merchant.as_channel(self.shop, "GET", path)["receipt"]
        keys = KeySet.import_key_set(self.merchant.keys())
        claims = jwt.decode(receipt, keys, algorithms=["Ed25519", "EdDSA"]).claims
        self.record.show("receipt", f"what the receipt says, in words\n{claims['text']}")

    def prove(self) -> None:
        """A certificate of which she shows the product only, verified without asking anybody."""
        self.mine = next(
            one["entitlement_id"]
            for one in self.shop.goods("lin")
            if one["product_name"] == "Starfall Odyssey"
        )
        certificate = self.shop.do("GET", f"/buyers/lin/certificates/{self.mine}")["certificate"]
        (self.folder / "certificate.txt").write_text(shown_only(certificate, {"product_name"}))
        self.verify("prove", 0)

    def verify(self, place: str, code: int) -> None:
        """`vgcp ownership verify`, offline, with fresh copies of keys and status list; it must end with the code."""
        (self.folder / "keys.json").write_text(json.dumps(self.merchant.keys()))
        uri = payload((self.folder / "certificate.txt").read_text())["status"]["status_list"]["uri"]
        (self.folder / "status.jwt").write_bytes(call("GET", uri))
        words = [
            "ownership",
            "verify",
            "certificate.txt",
            "--keys",
            "keys.json",
            "--status-list",
            "status.jwt",
        ]
        done = subprocess.run([*VGCP, *words], cwd=self.folder, capture_output=True, text=True, check=False)
        expect(done.returncode == code, f"verify ends with {code}", done.stdout + done.stderr)
        self.record.show(place, f"$ vgcp {' '.join(words)}\n{done.stdout.rstrip()}\n(exit code {code})")

    def hand_on(self) -> None:
        """To Wei, who is on the other channel."""
        offered = self.shop.do("POST", "/buyers/lin/transfers", {"entitlement_id": self.mine})
        self.record.keep_secret(offered["code"], "(the code of the transfer)")
        self.record.show("transfer", "Corner shop: lin hands on Starfall Odyssey", offered)
        taken = self.bot.do("POST", "/buyers/wei/transfers/accept", {"code": offered["code"]})
        expect(taken["status"] == "accepted", "Wei accepts", taken)
        self.record.show("transfer", "Chat bot: wei accepts with (the code of the transfer)", taken)
        shown = seen(self.bot.goods("wei"))
        expect(shown == [GAME], "it is Wei's", shown)
        self.record.show("transfer", "Chat bot: what wei is shown as his", shown)
        self.verify("dead", 1)

    def read_the_log(self) -> None:
        """The newest entry, and the head over all of them."""
        self.merchant.do("POST", "/clock", {"advance_seconds": 60})
        log = f"{self.merchant.url}/vgcp/v1/ownership-log"
        leaf = json.loads(call("GET", f"{log}/entries?start=0&limit=100")["items"][-1]["leaf"])
        expect(leaf["change"] == "transferred", "the transfer is in the log", leaf)
        self.record.show("log", "the newest entry of the log", leaf)
        head = call("GET", f"{log}/head")
        self.record.show("log", "its head", {name: head[name] for name in ("tree_size", "root_hash")})

    def withdraw(self) -> None:
        """At once, everywhere."""
        wish = {"decision": "withdrawn", "scope": "all_channels"}
        answer = self.bot.do("PUT", "/buyers/lin-in-chat/consents/personalisation", wish)
        self.record.show("withdraw", "Chat bot: lin-in-chat withdraws", answer)
        self.look("after", ["Starfall Odyssey: transferred"], [COURSE])

        def told() -> bool:
            shown = self.shop.do("GET", "/buyers/lin/consents")["items"]
            return any(
                one["purpose"] == "personalisation" and one["decision"] == "withdrawn" for one in shown
            )

        wait(told, "the event reaches the shop")

    def export(self) -> None:
        """All that is held about her, as one archive."""
        path = f"/buyers/{self.merchant.buyer(self.shop, 'lin')['id']}/export"
        archive = zipfile.ZipFile(io.BytesIO(self.merchant.as_channel(self.shop, "GET", path)))
        self.record.show("export", "what the archive has", sorted(archive.namelist()))

    def erase(self) -> None:
        """The account in the shop is forgotten; the books are not."""
        path = f"/buyers/{self.merchant.buyer(self.shop, 'lin')['id']}"
        self.record.show(
            "erase", "what is erased, and what is kept", self.merchant.as_channel(self.shop, "DELETE", path)
        )

        def forgotten() -> bool:
            try:
                return self.shop.goods("lin") == []
            except DemoError:  # the gateway knows her no more, and the shop has not been told yet
                return False

        wait(forgotten, "the shop forgets her")
        self.look("forgotten", [], [COURSE])


def expect(fine: bool, what: str, found: Any) -> None:
    """Stop the story where it is not true."""
    if not fine:
        raise DemoError(f"expected that {what}; found {found}")


def wait(fine: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Until it is so; events need a moment."""
    end = time.monotonic() + seconds
    while not fine():
        expect(time.monotonic() < end, what, "nothing in time")
        time.sleep(0.1)


def decoded(part: str) -> Any:
    """JSON in base64url without padding."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def payload(certificate: str) -> Json:
    """What the signed part says, unverified."""
    return dict(decoded(certificate.split("~")[0].split(".")[1]))


def shown_only(certificate: str, names: set[str]) -> str:
    """The certificate with the disclosures of these claims and no others."""
    token, *disclosures, _ = certificate.split("~")
    return "~".join([token, *(one for one in disclosures if decoded(one)[1] in names), ""])


def recorded(folder: Path) -> Recorder:
    """Tell the story and give what was shown."""
    with sandbox_twins(folder) as twins:
        story = Story(twins, folder)
        story.tell()
        return story.record


def main() -> int:
    """Tell the story; exit code 1 when it does not come true."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog="example: python demo/one_buyer.py --write docs/one-buyer.md"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write docs/one-buyer.md with this run in it to FILE"
    )
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            record = recorded(Path(folder))
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.write:
        options.write.write_text(record.fill(PAGE.read_text("utf-8")), "utf-8")
    else:
        print("\n\n".join(record.blocks.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
