"""The addresses that `up` prints when the site is ready."""

from studio.accounts.web_origin import is_ours
from studio.environment import Environment
from studio.hosts import hosts_of


def addresses(environment: Environment) -> list[str]:
    """A line for each address of the site: one that answers, or what to set so that it does.

    In production the site is reached by its names, through the proxy in front of it.
    """
    if not environment.is_embedded:
        return [f"https://{host}" for host in environment.allowed_hosts]
    lines = []
    for host in hosts_of(environment.bind):
        address = f"http://{host}:{environment.port}"
        note = "" if is_ours(host) else f" is refused: add {host} to GENGA_ALLOWED_HOSTS"
        lines.append(address + note)
    return lines
