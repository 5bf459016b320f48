"""What is written out of a certification carries no secret of the gateway or of the run."""

from __future__ import annotations

from pathlib import Path

from conformance.driver.shop import opened
from conformance.mini_gateway import MiniGateway
from conformance.record import write
from conformance.runner import Target, run

SECRETS = ("client_secret", "webhook_secret", "access_token")


async def test_the_transcript_is_redacted(tmp_path: Path) -> None:
    """Neither credentials nor tokens nor goods stand in transcript.jsonl."""
    async with MiniGateway(retry_pause=0.3) as gateway:
        result = await run(
            Target("gateway", gateway.url, gateway.test_secret), ("AUT-002", "AUT-003", "DLV-004")
        )
    write(result.transcript, tmp_path / "transcript.jsonl")
    assert result.live
    text = (tmp_path / "transcript.jsonl").read_text("utf-8")
    answers = [e.answer for e in result.live.all(direction="sent")]
    credentials = {str(a[name]) for a in answers for name in SECRETS if name in a}
    goods = {content for answer in answers for content in opened(answer)}
    assert credentials
    assert goods
    assert not [secret for secret in credentials | {gateway.test_secret} if secret in text]
    assert not [content for content in goods if content.strip()[:20] in text]
