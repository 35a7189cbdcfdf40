"""A run's accounts from the command line."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from feedback_loop.errors import UsageError
from feedback_loop.run import open_run
from ui.accounts import Accounts
from ui.site import open_site
from ui.users_routes import link
from ui.visitors import Role

ROLES: dict[str, Role] = {"owner": "owner", "annotator": "annotator"}


def invite(run: Path, role: Role, name: str, days: int, url: str) -> str:
    """A new invite's address."""
    site = open_site("", url)
    with _accounts(run) as accounts:
        return link(site.url, accounts.invite(role, days, "", name))


def change(run: Path, what: str, name: str) -> None:
    """Disable, enable or sign out somebody, or set a role by `NAME=ROLE`; UsageError where that cannot be."""
    with _accounts(run) as accounts:
        if what == "disable":
            accounts.disable(name)
        elif what == "enable":
            accounts.enable(name)
        elif what == "sign out":
            accounts.sign_out(name)
        else:
            name, _, role = name.rpartition("=")
            if not name or role not in ROLES:
                raise UsageError("Write it as --role NAME=owner or --role NAME=annotator.")
            accounts.set_role(name, ROLES[role])


def table(run: Path) -> str:
    """Everybody, a line each."""
    with _accounts(run) as accounts:
        everybody = accounts.all()
    if not everybody:
        return f"Nobody has an account yet. Make a link for somebody: feedback-loop invite {run}"
    wide = max(len(a.name) for a in everybody)
    return "\n".join(
        f"{a.name:{wide}}  {a.role:9}  since {a.created_at[:10]}{'  kept out' if a.disabled else ''}" for a in everybody
    )


@contextlib.contextmanager
def _accounts(run: Path) -> Iterator[Accounts]:
    """The run's accounts; UsageError where people come in by their names alone."""
    opened = open_run(run)
    if opened.recipe.app.login != "accounts":
        raise UsageError(
            f'{run} has no accounts: app.login = "{opened.recipe.app.login}". Set login = "accounts" under [app] in '
            f"{run / 'recipe.toml'}"
        )
    with contextlib.closing(Accounts(opened.path)) as accounts:
        yield accounts
