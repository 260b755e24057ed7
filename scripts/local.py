"""Runs the built Lambda on this machine: Lambda's own runtime interface emulator, moto for DynamoDB and SNS, and the
project's model of AWS Config. A first run makes the baseline; then a day passes, and the event is sent twice. The
answers, and what SNS received, are printed.

    python scripts/local.py [--event events/scheduled.json] [--bootstrap PATH] [--world PATH]
"""

import argparse
import importlib.util
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import boto3

import servers
from servers import PROJECT, REGION, Failed

TABLE = "packwatch"
RUN = PROJECT / "events/scheduled.json"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--event", type=Path, default=RUN)
    parser.add_argument("--bootstrap", type=Path, default=PROJECT / "target/lambda/packwatch/bootstrap")
    parser.add_argument("--world", type=Path, default=PROJECT / "target/debug/examples/world")
    return parser.parse_args()


def emulator() -> Path:
    """Lambda's runtime interface emulator, which the package aws-sam-cli brings."""
    package = importlib.util.find_spec("samcli")
    arch = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")
    if package is None or not package.submodule_search_locations:
        raise Failed("the Python package aws-sam-cli is missing: `make local` installs it")
    return Path(package.submodule_search_locations[0]) / "local/rapid" / f"aws-lambda-rie-{arch}"


def client(service: str, endpoint: str):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="nothing",
    )


@contextmanager
def emulated_aws(logs: Path, address: str = servers.LOOPBACK) -> Iterator[str]:
    """moto, which is DynamoDB and SNS here; gives its address."""
    port = servers.free_port(address)
    url = f"http://{address}:{port}"
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", address, "-p", str(port)]
    with servers.server("moto", command, f"{url}/moto-api/data.json", logs / "moto.log"):
        yield url


def create_table(endpoint: str) -> None:
    """The table of the template."""
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    client("dynamodb", endpoint).create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    )


def create_topics(endpoint: str) -> dict[str, str]:
    """The topics of the template: name → ARN."""
    sns = client("sns", endpoint)
    return {name: sns.create_topic(Name=f"packwatch-{name}")["TopicArn"] for name in ("alerts", "events")}


def start_lambda(
    stack: ExitStack, bootstrap: Path, log: Path, moto: str, world: str, topics: dict[str, str]
) -> str:
    """The binary under the emulator; gives the address that takes events."""
    at, runtime = (f"127.0.0.1:{servers.free_port()}" for _ in range(2))
    command = [str(emulator()), "--runtime-interface-emulator-address", at, "--runtime-api-address", runtime]
    stack.enter_context(
        servers.server(
            "the Lambda emulator",
            [*command, str(bootstrap.resolve())],
            f"http://{at}/",
            log,
            AWS_ENDPOINT_URL=moto,
            AWS_ENDPOINT_URL_CONFIG_SERVICE=world,
            AWS_LAMBDA_FUNCTION_NAME="packwatch",
            AWS_LAMBDA_FUNCTION_TIMEOUT="60",
            AWS_LAMBDA_LOG_FORMAT="JSON",
            PACKWATCH_TABLE=TABLE,
            PACKWATCH_ALERTS_TOPIC_ARN=topics["alerts"],
            PACKWATCH_EVENTS_TOPIC_ARN=topics["events"],
        )
    )
    return f"http://{at}/2015-03-31/functions/function/invocations"


def sent(moto: str) -> dict[str, list[str]]:
    """All that SNS received so far: topic name → messages."""
    topics = servers.call("GET", f"{moto}/moto-api/data.json")["sns"]["Topic"]
    return {topic["name"]: [message[1] for message in topic["sent_notifications"]] for topic in topics}


def show_messages(topic: str, messages: list[str]) -> None:
    if not messages:
        print(f"SNS, topic {topic}: nothing")
    for message in messages:
        document = json.loads(message)
        if "default" in document:
            sizes = ", ".join(f"{name} {len(body.encode())} bytes" for name, body in document.items())
            print(
                f"\nSNS, topic {topic} ({sizes}); the e-mail reads:\n\n{document.get('email', document['default'])}"
            )
        else:
            print(f"SNS, topic {topic}: {message}")


def show_run(title: str, answered: Callable[[], object], moto: str, log: Path) -> None:
    """Lets the function answer an event, and prints what came of it."""
    before = sent(moto)
    print(f"\n=== {title}", flush=True)
    answer = answered()
    print("The function answered:", json.dumps(answer, indent=2))
    if isinstance(answer, dict) and "errorType" in answer:
        raise Failed(f"The function failed. Its log ends with:\n{servers.tail(log)}")
    for topic, messages in sent(moto).items():
        show_messages(topic, messages[len(before[topic]) :])


def show_days(event: Path, send: Callable[[Path], object], moto: str, world: str, log: Path) -> None:
    """A scheduled run makes the baseline; then a day passes, and the event is sent twice."""
    servers.show_day(world, "day-1")
    show_run("First day, a scheduled run: the baseline", lambda: send(RUN), moto, log)
    servers.show_day(world, "day-2")
    show_run(f"Second day, {event}", lambda: send(event), moto, log)
    show_run(f"Once more, {event}", lambda: send(event), moto, log)


def main() -> None:
    options = arguments()
    if not options.bootstrap.is_file():
        raise Failed(f"{options.bootstrap} is missing: make build")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        logs = Path(folder)
        log = logs / "lambda.log"
        moto = stack.enter_context(emulated_aws(logs))
        world = stack.enter_context(servers.world(options.world, logs / "world.log"))
        create_table(moto)
        topics = create_topics(moto)
        function = start_lambda(stack, options.bootstrap, log, moto, world, topics)

        def send(file: Path) -> object:
            return servers.call("POST", function, json.loads(file.read_text()))

        show_days(options.event, send, moto, world, log)


if __name__ == "__main__":
    servers.run(main)
