"""What `local.py`, `sam_local.py` and `e2e.py` share: servers that always end, and the world that packwatch looks at."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
REGION = "eu-west-1"
ACCOUNT = "123456789012"
LOOPBACK = "127.0.0.1"
DEMO = PROJECT / "events" / "demo"
# When the recorded days were read.
READ_AT = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
STARTED = datetime.now(UTC)


class Failed(Exception):
    """Something that the person at the terminal is to read, without a traceback."""


def free_port(address: str = LOOPBACK) -> int:
    """A port of an address of this machine that nobody listens on right now."""
    with socket.socket() as listener:
        listener.bind((address, 0))
        return listener.getsockname()[1]


def clean_environment(**extra: str) -> dict[str, str]:
    """This process's environment without the user's AWS settings, so that nothing can reach a real account.

    Make's own variables go too: SAM calls make again.
    """
    ours = ("AWS_", "PACKWATCH_", "SAM_", "MAKE", "MFLAGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return (
        kept
        | {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        | extra
    )


@contextmanager
def server(
    name: str, command: list[str], ready: str, log: Path, **environment: str
) -> Iterator[subprocess.Popen]:
    """Runs a server until the block ends. It is up once `ready` answers, whatever the status."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=clean_environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_for(lambda: answers(name, process, ready, log), 60, f"{name} to start")
        yield process
    finally:
        stop(process)


def answers(name: str, process: subprocess.Popen, url: str, log: Path) -> bool:
    """Whether the server at `url` says anything yet."""
    if process.poll() is not None:
        raise Failed(f"{name} ended with {process.returncode}:\n{tail(log)}")
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def stop(process: subprocess.Popen) -> None:
    """Ends a server, which may end its own children first; then what is left of its process group."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def wait_for(done: Callable[[], object], seconds: float, what: str):
    """Asks `done` until it says something true, which is returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := done():
            return found
        time.sleep(0.2)
    raise Failed(f"waited {seconds:.0f} s for {what}")


def tail(log: Path, lines: int = 40) -> str:
    """The end of a log file."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def call(method: str, url: str, body: object = None, timeout: float = 330) -> object:
    """One HTTP request with JSON in and out."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            answer = response.read()
    except urllib.error.HTTPError as error:
        raise Failed(f"{method} {url}: {error.code} {error.read().decode(errors='replace')}") from error
    return json.loads(answer) if answer.strip() else None


@contextmanager
def world(binary: Path, log: Path, *options: str, address: str = LOOPBACK) -> Iterator[str]:
    """The project's own model of AWS Config, without packs; gives its address."""
    if not binary.is_file():
        raise Failed(f"{binary} is missing: cargo build --example world")
    port = free_port(address)
    url = f"http://{address}:{port}"
    command = [str(binary), "--address", address, "--port", str(port), "--packs", "0", *options]
    with server("the model of AWS Config", command, f"{url}/requests", log):
        yield url


def show_day(world_url: str, day: str, region: str = REGION) -> None:
    """Lets the world look as on one of the recorded days, as if it were read now."""
    for file in sorted((DEMO / day).glob("*.json")):
        call("PUT", f"{world_url}/packs/{region}/{file.stem}", recent(json.loads(file.read_text())))


def recent(statuses: dict) -> dict:
    """Recorded statuses moved to the present: a deployment in progress since last year would count as stuck.

    Both days are moved by the same time, or a failure that lasts would scan like a new one.
    """
    rows = []
    for row in statuses["OrganizationConformancePackDetailedStatuses"]:
        changed = datetime.fromisoformat(row["LastUpdateTime"]) + (STARTED - READ_AT)
        if row["Status"].endswith("_IN_PROGRESS"):
            changed = STARTED - timedelta(minutes=30)
        rows.append(row | {"LastUpdateTime": changed.isoformat()})
    return {"OrganizationConformancePackDetailedStatuses": rows}


def run(main: Callable[[], None]) -> None:
    """Runs a script's `main`; a failure that was foreseen is one message, and any failure a non-zero exit."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except Failed as failure:
        sys.exit(f"\n{failure}")
    except KeyboardInterrupt:
        sys.exit(130)
