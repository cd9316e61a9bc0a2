"""manage.py up: start the web server and the workers together, and stop them together."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections import defaultdict
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from generation.models import Device
from generation.worker import threads
from studio.hosts import hosts_of
from studio.management import demo_passwords
from studio.management.greeting import addresses
from studio.production import demo_project

READY_SECONDS = 120
STOP_SECONDS = 20

KILLED_OFTEN, KILLED_WITHIN = 5, 600.0
"""If a worker is killed this often within so many seconds, the command ends."""

WEB = "web"


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
        """Raises CommandError if the port is taken or a process ends unexpectedly."""
        environment = settings.ENVIRONMENT
        _check_port(environment.bind, environment.port)
        call_command("migrate", verbosity=0)
        # The folder is empty, as files are served from their sources, but WhiteNoise expects it.
        settings.STATIC_ROOT.mkdir(exist_ok=True)
        demo_passwords.refuse_published()
        demo = environment.is_embedded and not options["no_demo"]
        if demo and (drawn := demo_project.load()):
            self.stdout.write(demo_passwords.told(drawn))
        Device.objects.update(heartbeat_at=None)
        processes = _start(options["device"])
        # The exception is raised in the main thread; the processes are then stopped in order.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _interrupt)
        try:
            self._wait_until_ready(processes)
            self._greet(demo)
            self._watch(processes)
        except KeyboardInterrupt:
            self.stdout.write("Stopping.")
        finally:
            _stop(processes)

    def _wait_until_ready(self, processes: dict[str, subprocess.Popen[bytes]]) -> None:
        environment = settings.ENVIRONMENT
        host, port = _reachable(environment.bind), environment.port
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            _check_alive(processes)
            if _answers(host, port) and Device.objects.online().count() >= len(processes) - 1:
                return
            time.sleep(0.1)
        raise CommandError("The web server or a worker did not start in time; see the log above.")

    def _watch(self, processes: dict[str, subprocess.Popen[bytes]]) -> None:
        """Watch the processes until one ends. A worker that was killed is started again.

        The system kills processes when memory runs out, and the queue must survive that. A worker
        that is killed KILLED_OFTEN times within KILLED_WITHIN seconds is not started again, but
        raises a CommandError.
        """
        killed: dict[str, list[float]] = defaultdict(list)
        while True:
            for name, process in processes.items():
                code = process.poll()
                if code is None:
                    continue
                lately = [at for at in killed[name] if at > time.monotonic() - KILLED_WITHIN]
                if name == WEB or code >= 0 or len(lately) >= KILLED_OFTEN:
                    raise _ended(name)
                killed[name] = [*lately, time.monotonic()]
                self.stdout.write(f"The {name} process was killed; it is started again.")
                self.stdout.flush()
                processes[name] = _launch(process.args)
            time.sleep(0.5)

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


def _start(devices: list[str]) -> dict[str, subprocess.Popen[bytes]]:
    """Start the web server and a worker for each device, each in its own session.

    A Ctrl-C in the terminal then reaches only this process, which stops the others in order.
    Several CPU devices share the cores; a single one uses the worker's own choice.
    """
    environment = settings.ENVIRONMENT
    web = ["-m", "daphne", "-b", environment.bind, "-p", str(environment.port), "--verbosity", "0"]
    commands = {WEB: [*web, "studio.asgi:application"]}
    cpus = [device for device in devices if device.startswith("cpu")]
    for device in devices or [""]:
        worker = ["manage.py", "worker", *(["--device", device] if device else [])]
        if device in cpus and len(cpus) > 1:
            worker += ["--threads", str(threads.share_of_cores(len(cpus)))]
        commands[f"worker {device}".strip()] = worker
    return {name: _launch([sys.executable, *command]) for name, command in commands.items()}


def _launch(command: Any) -> "subprocess.Popen[bytes]":
    """Start a process in its own session, with this process's settings."""
    child = {**os.environ, "DJANGO_SETTINGS_MODULE": "studio.settings"}
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=child, start_new_session=True)


def _stop(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """Terminate each process; workers hand back their jobs. Kill those that do not end in time."""
    for process in processes.values():
        if process.poll() is None:
            process.terminate()
    until = time.monotonic() + STOP_SECONDS
    for process in processes.values():
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _check_alive(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            raise _ended(name)


def _ended(name: str) -> CommandError:
    return CommandError(f"The {name} process ended by itself; see its log above.")


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


def _reachable(bind: str) -> str:
    """The host by which this machine itself reaches the server."""
    return hosts_of(bind)[0]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
