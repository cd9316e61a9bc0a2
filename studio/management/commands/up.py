"""manage.py up: the embedded default. Everything starts together and stops together."""

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
from studio.production import demo_project

READY_SECONDS = 120
STOP_SECONDS = 20

KILLED_OFTEN, KILLED_WITHIN = 5, 600.0
"""So many kills of a worker within so many seconds are no accident any more."""

WEB = "web"


class Command(BaseCommand):
    """Migrate, load the demo project, run a web server and a worker for each device."""

    help = "Run everything on this machine: database, demo project, web server, workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--device",
            action="append",
            default=[],
            help="a device to serve, such as cuda:0; may be given several times",
        )
        parser.add_argument("--no-demo", action="store_true", help="load no demo project")

    def handle(self, *_: Any, **options: Any) -> None:
        """Raises CommandError when the port is taken or a process ends by itself."""
        environment = settings.ENVIRONMENT
        _check_port(environment.bind, environment.port)
        call_command("migrate", verbosity=0)
        # Empty here, because files are served from where they are; WhiteNoise warns of none.
        settings.STATIC_ROOT.mkdir(exist_ok=True)
        demo = environment.is_embedded and not options["no_demo"]
        if demo:
            demo_project.load()
        Device.objects.update(heartbeat_at=None)
        processes = _start(options["device"])
        # Raised in the main thread wherever it is; the processes are then stopped in order.
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
        """Until a process ends by itself; a worker that was killed is started again.

        The system kills when memory runs out, and a night's queue must outlive that. A worker
        that is killed again and again is told instead: it would only be killed once more.
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
        say(f"\nGenga is ready: http://{_reachable(environment.bind)}:{environment.port}")
        if demo:
            say("Log in as artist, reviewer or admin; each one's password is the name.")
        if environment.is_open:
            say(
                "The API answers without a token, because it listens on this machine only; "
                f"it acts for {environment.local_user}."
            )
        say(f"Data: {environment.home}\nCtrl-C stops everything.\n")
        self.stdout.flush()


def _start(devices: list[str]) -> dict[str, subprocess.Popen[bytes]]:
    """The web server and a worker for each device, each in a session of its own.

    A Ctrl-C in the terminal then reaches this process alone, and the others are told in order.
    """
    environment = settings.ENVIRONMENT
    web = ["-m", "daphne", "-b", environment.bind, "-p", str(environment.port), "--verbosity", "0"]
    commands = {WEB: [*web, "studio.asgi:application"]}
    for device in devices or [""]:
        worker = ["manage.py", "worker", *(["--device", device] if device else [])]
        commands[f"worker {device}".strip()] = worker
    return {name: _launch([sys.executable, *command]) for name, command in commands.items()}


def _launch(command: Any) -> "subprocess.Popen[bytes]":
    """A process of its own session, with the settings of this one."""
    child = {**os.environ, "DJANGO_SETTINGS_MODULE": "studio.settings"}
    # Threads that wait for each other sleep instead of spinning, so that the web server
    # answers while a CPU renders.
    child.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=child, start_new_session=True)


def _stop(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """Ask each to end; a worker hands its job back first. What does not end in time is killed."""
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
    return CommandError(f"The {name} process ended by itself; its reason stands above.")


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
    """True for any answer: a site of another name or of HTTPS only says so, and runs."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reachable(bind: str) -> str:
    """An address one can open in a browser for what the server listens on."""
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)
    return f"[{host}]" if ":" in host else host


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
