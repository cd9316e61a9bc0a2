"""manage.py up: start the web server and the workers together, and stop them together."""

import http.client
import signal
import socket
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from generation.models import Device
from generation.queue import away
from generation.sentences import Said
from generation.worker import threads
from studio.hosts import hosts_of
from studio.management import demo_passwords, sentences
from studio.management.backoff import Patience
from studio.management.children import Child, WorkerChild
from studio.management.greeting import addresses
from studio.management.supervisor import Supervisor
from studio.production import demo_project

READY_SECONDS = 120.0


class Command(BaseCommand):
    """Migrate, load the demo project, run a web server and a worker for each device."""

    help = "Run everything on this machine: database, demo project, web server, workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--device",
            action="append",
            default=[],
            help="a device to use, such as cuda:0; may be repeated",
        )
        parser.add_argument("--no-demo", action="store_true", help="do not load the demo project")

    def handle(self, *_: Any, **options: Any) -> None:
        """Raises CommandError if the port is taken, or a process cannot start at all."""
        environment = settings.ENVIRONMENT
        _check_port(environment.bind, environment.port)
        call_command("migrate", verbosity=0)
        # The folder is empty, as files are served from their sources, but WhiteNoise expects it.
        settings.STATIC_ROOT.mkdir(exist_ok=True)
        demo_passwords.refuse_published()
        demo = environment.is_embedded and not options["no_demo"]
        if demo and (drawn := demo_project.load()):
            self.stdout.write(demo_passwords.told(drawn))
        own = Device.objects.filter(hostname__in=["", socket.gethostname()])
        own.update(heartbeat_at=None, **away.BACK)
        supervisor = _supervisor(options["device"], self._say)
        # A terminal that is closed sends the last.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: setattr(supervisor, "stopping", True))
        try:
            supervisor.start()
            supervisor.wait_until_ready(_web_answers, READY_SECONDS)
            if not supervisor.stopping:
                self._greet(demo)
                for worker in supervisor.late():
                    self._say(sentences.NOT_READY.said(name=worker.name))
            supervisor.run()
            self.stdout.write("Stopping.")
        finally:
            supervisor.stop()

    def _say(self, said: Said) -> None:
        self.stdout.write(said.text)
        self.stdout.flush()

    def _greet(self, demo: bool) -> None:
        environment = settings.ENVIRONMENT
        say = self.stdout.write
        say("\nGenga is ready: " + "\n".join(addresses(environment)))
        if demo and environment.is_open:
            say("Log in as artist, reviewer or admin; the passwords are the same as the names.")
        if environment.is_open:
            say(
                "The API answers without a token, because it listens on this machine only; "
                f"it acts for {environment.local_user}."
            )
        say(f"Data: {environment.home}\nCtrl-C stops everything.\n")
        self.stdout.flush()


def _supervisor(devices: list[str], say: Callable[[Said], None]) -> Supervisor:
    """The processes: a web server, and a worker for each device.

    Several CPU devices share the cores; a single one uses the worker's own choice.
    """
    environment = settings.ENVIRONMENT
    patience = Patience(first=environment.restart_seconds, rest=environment.set_aside_seconds)
    server = ["-m", "daphne", "-b", environment.bind, "-p", str(environment.port)]
    web = Child("web server", [*server, "--verbosity", "0", "studio.asgi:application"], patience)
    cpus = [device for device in devices if device.startswith("cpu")]
    workers = []
    for device in devices or [""]:
        arguments = ["manage.py", "worker", *(["--device", device] if device else [])]
        if device in cpus and len(cpus) > 1:
            arguments += ["--threads", str(threads.share_of_cores(len(cpus)))]
        workers.append(WorkerChild(device, arguments, patience))
    return Supervisor(web, workers, say, _migrate, patience)


def _migrate() -> None:
    call_command("migrate", verbosity=0)


def _check_port(bind: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as problem:
            raise CommandError(
                f"{bind}:{port} cannot be used ({problem.strerror}). Is Genga running already? "
                "Another port: PORT=8400 make run"
            ) from problem


def _answers(host: str, port: int) -> bool:
    """Whether the web server responds. Redirects and refusals of the host name count too."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _web_answers() -> bool:
    environment = settings.ENVIRONMENT
    return _answers(_reachable(environment.bind), environment.port)


def _reachable(bind: str) -> str:
    """The host by which this machine itself reaches the server."""
    return hosts_of(bind)[0]
