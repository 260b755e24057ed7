"""Runs `sam build && sam local invoke`, with Docker, against moto and the project's model of AWS Config. A first scheduled run
makes the baseline; then a day passes, and the event is sent twice. The answers, and what SNS received, are printed.

    python scripts/sam_local.py [--event events/scheduled.json] [--bootstrap PATH] [--world PATH] [--base pulled|own]

The function runs in AWS's image, provided:al2023. Where Docker cannot pull it, a small base is made of this machine's
own files and removed at the end. Without Docker nothing is run, and the exit code is 0.
"""

import argparse
import io
import ipaddress
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import local
import servers
from servers import PROJECT, Failed

AWS_BASE = "public.ecr.aws/lambda/provided:al2023"
OWN_BASE = "packwatch-local-base"
# How a container calls this machine.
HOST = "host.docker.internal"
# SAM's Dockerfile runs these, to put Lambda's emulator into its place.
PROGRAMS = ("sh", "mv", "chmod")
# The roots that TLS trusts, and the line that lets the C library look into /etc/hosts, where Docker puts HOST.
SETTINGS = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/nsswitch.conf"))
ARCH = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--event", type=Path, default=local.RUN)
    parser.add_argument("--bootstrap", type=Path, default=PROJECT / "target/lambda/packwatch/bootstrap")
    parser.add_argument("--world", type=Path, default=PROJECT / "target/debug/examples/world")
    parser.add_argument(
        "--base", choices=("pulled", "own"), help="the image; otherwise own where pulling fails"
    )
    return parser.parse_args()


def docker(*command: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(["docker", *command], check=False, capture_output=True, **options)


def why_no_docker() -> str | None:
    """What stands in the way, in a line; none where a Docker daemon answers."""
    if shutil.which("docker") is None:
        return "there is no docker command on this machine"
    asked = docker("version", "--format", "{{.Server.Version}}", text=True)
    return (
        None
        if asked.returncode == 0
        else (asked.stderr.strip() or "no Docker daemon answers").splitlines()[-1]
    )


def bridge_addresses(inspected: str) -> list[str]:
    """What may be this machine's address on Docker's bridge, from `docker network inspect`: some tell only the subnet."""
    found = []
    for network in json.loads(inspected or "[]"):
        for subnet in network["IPAM"]["Config"] or []:
            found.append(subnet.get("Gateway") or str(next(ipaddress.ip_network(subnet["Subnet"]).hosts())))
    return found


def reachable_address() -> str:
    """The address of this machine that containers reach and the network does not: Docker's bridge.

    Docker Desktop has its bridge in a machine of its own and forwards to loopback.
    """
    for address in bridge_addresses(docker("network", "inspect", "bridge", text=True).stdout):
        try:
            servers.free_port(address)
        except OSError:
            continue
        return address
    return servers.LOOPBACK


def for_containers(url: str) -> str:
    """The URL of a server of this machine, as a container calls it."""
    return re.sub(r"^http://[^:/]+", f"http://{HOST}", url)


def libraries(ldd: str) -> set[str]:
    """The paths in what ldd printed: `name => /path (0x…)`, and the loader, `/path (0x…)`."""
    return set(re.findall(r"(?m)^\s+(?:\S+ => )?(/\S+) \(0x", ldd))


def declare(template: str, variables: dict[str, str]) -> str:
    """The template with these variables added to the function's: SAM passes on only what is declared."""

    def add(block: re.Match) -> str:
        return block[0] + "".join(f"{block[1]}  {name}: '{value}'\n" for name, value in variables.items())

    added, times = re.subn(r"(?m)^( +)Variables:\n", add, template)
    if times != 1:
        raise Failed(f"the built template has {times} blocks of variables, and not one")
    return added


def own_files(bootstrap: Path) -> dict[str, Path]:
    """What the small base holds: path in the image → file of this machine."""
    programs = {f"/bin/{name}": Path(found) for name in PROGRAMS if (found := shutil.which(name))}
    needed = {str(file): file for file in SETTINGS if file.exists()}
    for program in [*programs.values(), bootstrap]:
        printed = subprocess.run(["ldd", str(program)], check=False, capture_output=True, text=True).stdout
        needed |= {path: Path(path) for path in libraries(printed)}
    return programs | needed


def archive(files: dict[str, Path]) -> bytes:
    """A root file system as a tar archive; links are followed, so that each path is a file."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", dereference=True) as tar:
        for path, file in sorted(files.items()):
            tar.add(file.resolve(), path.removeprefix("/"), recursive=False)
    return written.getvalue()


def can_pull() -> bool:
    print(f"Pulling {AWS_BASE}", flush=True)
    return docker("pull", "--quiet", f"{AWS_BASE}-{ARCH}").returncode == 0


@contextmanager
def own_base(bootstrap: Path) -> Iterator[list[str]]:
    """The small base, until the block ends; gives SAM's options for it."""
    if sys.platform != "linux":
        raise Failed("a base can be made of this machine's files only where this machine is Linux")
    imported = docker("import", "-", f"{OWN_BASE}:latest", input=archive(own_files(bootstrap)))
    if imported.returncode != 0:
        raise Failed(f"docker import failed:\n{imported.stderr.decode(errors='replace')}")
    try:
        yield ["--invoke-image", OWN_BASE, "--skip-pull-image"]
    finally:
        # SAM made the second one of the first.
        docker("image", "rm", "--force", f"{OWN_BASE}:rapid-{ARCH}", f"{OWN_BASE}:latest")


def sam(*command: str, log: Path, **environment: str) -> str:
    """One SAM command; gives its standard output. The rest, such as the function's log, goes to the file."""
    with log.open("ab") as output:
        result = subprocess.run(
            [str(Path(sys.executable).parent / "sam"), *command],
            check=False,
            cwd=PROJECT,
            env=servers.clean_environment(SAM_CLI_TELEMETRY="0", **environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    if result.returncode != 0:
        raise Failed(f"sam {' '.join(command[:2])} failed:\n{result.stdout}{servers.tail(log)}")
    return result.stdout


def variables(moto: str, world: str) -> dict[str, str]:
    """The function's environment: the sample's, with what was made here in its place."""
    topics = local.create_topics(moto)
    sample = json.loads((PROJECT / "events/env.json").read_text())["PackwatchFunction"]
    return sample | {
        "AWS_ENDPOINT_URL": for_containers(moto),
        "AWS_ENDPOINT_URL_CONFIG_SERVICE": for_containers(world),
        "PACKWATCH_TABLE": local.TABLE,
        "PACKWATCH_ALERTS_TOPIC_ARN": topics["alerts"],
        "PACKWATCH_EVENTS_TOPIC_ARN": topics["events"],
    }


def build(folder: Path, bootstrap: Path, environment: dict[str, str], log: Path) -> list[str]:
    """`sam build`; gives the options of `sam local invoke` that name what was built."""
    built = folder / "built"
    sam("build", "--build-in-source", "--build-dir", str(built), log=log, BOOTSTRAP=str(bootstrap.resolve()))
    template = built / "template.yaml"
    text = template.read_text()
    added = {name: "" for name in environment if f" {name}:" not in text}
    template.write_text(declare(text, added))
    (folder / "env.json").write_text(json.dumps({"PackwatchFunction": environment}))
    return ["--template", str(template), "--env-vars", str(folder / "env.json")]


def main() -> None:
    options = arguments()
    if reason := why_no_docker():
        print(f"sam-local: skipped, since it needs Docker: {reason}")
        return
    if not options.bootstrap.is_file():
        raise Failed(f"{options.bootstrap} is missing: make build")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        log = folder / "sam.log"
        at = reachable_address()
        moto = stack.enter_context(local.emulated_aws(folder, at))
        world = stack.enter_context(servers.world(options.world, folder / "world.log", address=at))
        local.create_table(moto)
        what = build(folder, options.bootstrap, variables(moto, world), log)
        image = (
            []
            if options.base == "pulled" or (options.base is None and can_pull())
            else (stack.enter_context(own_base(options.bootstrap)))
        )
        print(f"The image: {OWN_BASE if image else AWS_BASE}")

        def invoke(event: Path) -> object:
            return json.loads(
                sam(
                    "local",
                    "invoke",
                    "PackwatchFunction",
                    "--event",
                    str(event),
                    *what,
                    *image,
                    "--add-host",
                    f"{HOST}:host-gateway",
                    "--parameter-overrides",
                    f"Architecture={ARCH}",
                    log=log,
                )
            )

        local.show_days(options.event, invoke, moto, world, log)


if __name__ == "__main__":
    servers.run(main)
