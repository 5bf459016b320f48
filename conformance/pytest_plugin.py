"""A pytest plugin: each check is a test. Sleeps unless it is asked, and imports the suite only then.

    pytest --vgcp-role channel --vgcp-url http://127.0.0.1:8081      # the secret is in VGCP_TEST_SECRET
    pytest --vgcp                                                    # what vgcp.toml says

The settings may also stand in pytest's own file, as `vgcp_url` and so on. All checks that are left after `-k` and
the like are driven in one run, by the first of them. What was not shown is not green: `unverified` and `inconclusive`
fail as `fail` does. A SHOULD that does not hold is a warning; what does not apply or was disabled is skipped.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.rounds import Plan, Round

SETTINGS = {
    "role": "channel or gateway",
    "url": "origin of the implementation, which serves /.well-known/vgcp",
    "profile": "what it is to be certified for, several with commas; default: whatever it declares",
    "only": "ids of the requirements or checks to try, with spaces between",
    "disable": "ids of those to leave out, with spaces between",
    "listen": "address on which the implementation reaches the suite",
    "out": "folder for the reports and the transcript",
    "test_secret_env": "name of the variable that has the test-control secret (default: VGCP_TEST_SECRET)",
    "config": "file with settings that are not given here (default with --vgcp: vgcp.toml)",
}
LISTS = ("only", "disable")
KEY = pytest.StashKey["Certification"]()


class VgcpWarning(pytest.PytestWarning):
    """A SHOULD that does not hold."""


class NotShownError(Exception):
    """A requirement does not hold, or was not shown to hold; the text has the finding and its exchanges."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings, as options and for pytest's own file."""
    group = parser.getgroup("vgcp", "certification of a VGCP implementation")
    group.addoption("--vgcp", action="store_true", help="certify what vgcp.toml says")
    for name, about in SETTINGS.items():
        group.addoption(f"--vgcp-{name.replace('_', '-')}", metavar="…", help=about)
        parser.addini(f"vgcp_{name}", about, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what would run the suite several times at once against the one implementation."""
    if not _asked(config):
        return
    config.addinivalue_line(
        "markers", "xdist_group(name): which tests go to one process, where there are more"
    )
    if config.getoption("numprocesses", None) and config.getoption("dist", "no") != "loadgroup":
        raise pytest.UsageError("vgcp: the checks belong into one process: use --dist loadgroup")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test for each check, before `-k` and the like choose among them."""
    asked = _asked(config)
    if asked:
        config.stash[KEY] = Certification.from_parent(session, name="vgcp", nodeid="vgcp", plan=_plan(asked))
        items.extend(config.stash[KEY].collect())


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what it comes to, when the suite was run in this process."""
    certification = config.stash.get(KEY, None)
    if certification is not None and "round" in vars(certification):
        report = certification.round.report
        terminalreporter.write_line(f"VGCP {report['protocol']} {report['role']}: {report['verdict']}")


def _asked(config: pytest.Config) -> dict[str, Any]:
    """What is set; empty when nobody asks for certification."""
    found = {name: config.getoption(f"vgcp_{name}") or config.getini(f"vgcp_{name}") for name in SETTINGS}
    found = {name: value for name, value in found.items() if value}
    if config.getoption("vgcp"):
        found.setdefault("config", "vgcp.toml")
    return found if found.keys() & {"url", "config"} else {}


def _plan(asked: dict[str, Any]) -> Plan:
    """What is to be done; raises UsageError where something is wrong or missing."""
    from conformance import config

    try:
        said = config.load(Path(asked["config"])) if "config" in asked else {}
        said |= {name: value.split() if name in LISTS else value for name, value in asked.items()}
        for name in ("role", "url", "profile", "test_secret_env"):
            if name in said:
                said[name] = config.KEYS[name](said[name])
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"vgcp: {error}") from None
    variable = said.get("test_secret_env", "VGCP_TEST_SECRET")
    secret = os.environ.get("VGCP_TEST_SECRET") or os.environ.get(variable)
    missing = [name for name in ("role", "url") if name not in said] + ([] if secret else [variable])
    if missing:
        raise pytest.UsageError(f"vgcp: {' and '.join(missing)} must be set")
    return _made(said, str(secret))


def _made(said: dict[str, Any], secret: str) -> Plan:
    from conformance.rounds import Plan
    from conformance.runner import Target, selected

    role, profile = said["role"], said.get("profile", "")
    only, disable = (tuple(said.get(name, ())) for name in LISTS)
    try:
        selected(role, only, profile, disable)
    except KeyError as unknown:
        raise pytest.UsageError(f"vgcp: no check of the {role} role is called {unknown.args[0]}") from None
    target = Target(role, said["url"].rstrip("/"), secret, said.get("listen", "127.0.0.1"), profile)
    more = {name: said[name] for name in ("start", "start_seconds") if name in said}
    return Plan(target, only, disable, out=Path(said["out"]) if "out" in said else None, **more)


class Certification(pytest.Collector):
    """All checks, and the one run that they share."""

    def __init__(self, plan: Plan, **more: Any) -> None:
        super().__init__(**more)
        self.plan = plan

    def collect(self) -> Iterable[CheckItem]:
        """A test for each check that is selected."""
        from conformance.runner import selected

        for entry in selected(self.plan.target.role, self.plan.only, self.plan.target.profile):
            yield CheckItem.from_parent(self, name=entry.id, title=entry.title)

    @cached_property
    def round(self) -> Round:
        """The run, of what is left to be tried."""
        from dataclasses import replace

        from conformance.rounds import certify

        left = [item.name for item in self.session.items if isinstance(item, CheckItem)]
        every = len(left) == len(list(self.collect()))
        return certify(self.plan if every else replace(self.plan, only=tuple(left)))


class CheckItem(pytest.Item):
    """One check as a test."""

    parent: Certification

    def __init__(self, title: str, **more: Any) -> None:
        super().__init__(**more)
        self.title = title
        self.add_marker(pytest.mark.xdist_group("vgcp"))

    def runtest(self) -> None:
        """Pass, warn, skip or fail, as the finding says."""
        from conformance.report_text import finding_text

        done = self.parent.round
        if done.report.get("void"):
            raise NotShownError(f"void, nothing can be concluded: {done.report['void']}")
        finding = next(f for f in done.report["findings"] if f["check"] == self.name)
        verdict = finding["verdict"]
        if verdict in ("not_applicable", "disabled"):
            pytest.skip(f"{verdict}: {finding['message']}")
        elif verdict == "warn":
            self.warn(VgcpWarning(finding_text(finding, done.exchanges)))
        elif verdict != "pass":
            raise NotShownError(finding_text(finding, done.exchanges))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The finding alone, for the traceback would be the plugin's own."""
        if isinstance(excinfo.value, NotShownError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where and what it is."""
        return self.path, 0, f"{self.name} {self.title}"
