"""Makes files for a command in the name of the person behind sudo, who may write where the filter's user may not.

The installed command (deploy/schoolfilter.sh) lets go of root before the program starts. For commands that write files
to carry away it starts this module as root: `python -I -m cli.porter COMMAND…`. That runs COMMAND and, beside it, a
process with the rights of the person, no more, which makes the files and passes them on as open descriptors. So what
the person may do in a folder decides, and the file is theirs. Should the filter be taken over, it still cannot write
into their home as it likes: only the file named by `--output`, and papers (`_PAPER`) in that folder or the current one.
"""

import errno
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from types import FrameType

from cli.placing import Aside

VARIABLE = "SCHOOLFILTER_PORTER"
"""Where COMMAND finds the number of the socket."""
_LONGEST = 1 << 16
_PAPER = re.compile(r"[a-z][a-z0-9_-]*\.(pdf|zip|csv)")
_OUTPUT = "--output"


class Carried:
    """A file that the porter makes; as Aside."""

    def __init__(self, porter: socket.socket, path: Path, *, public: bool) -> None:
        """Ask for it. Raises OSError, as the porter met it; BrokenPipeError if the porter is gone."""
        self._porter, self._path = porter, path
        try:
            self.descriptor = self._ask({"path": str(path), "public": public})
        except BaseException:
            porter.close()
            raise

    def keep(self) -> None:
        """Have it put into its place; if that fails it is removed. Raises OSError."""
        with self._porter:
            self._ask({"keep": True})

    def drop(self) -> None:
        """Have it removed, if it was not kept."""
        with suppress(OSError), self._porter:
            self._ask({"keep": False})

    def _ask(self, question: Mapping[str, object]) -> int:
        """Return the descriptor that came with the answer, -1 if none did."""
        self._porter.send(json.dumps(question).encode("ascii"))
        answer, descriptors, _flags, _address = socket.recv_fds(self._porter, _LONGEST, 1)
        if not answer:
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE), str(self._path))
        if code := int(json.loads(answer)["errno"]):
            raise OSError(code, os.strerror(code), str(self._path))
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        return descriptors[0] if descriptors else -1


def porter_of(environ: Mapping[str, str]) -> socket.socket | None:
    """Return the way to the porter, if there is one."""
    number = environ.get(VARIABLE, "")
    if not number:
        return None
    porter = socket.socket(fileno=os.dup(int(number)))
    os.set_inheritable(int(number), False)
    return porter


def may_make(path: Path, arguments: Sequence[str]) -> bool:
    """Tell whether a file may be made for a command with these arguments."""
    named = {Path(value) for option, value in pairwise(arguments) if option == _OUTPUT}
    named |= {Path(each.removeprefix(f"{_OUTPUT}=")) for each in arguments if each.startswith(f"{_OUTPUT}=")}
    return path in named or (path.parent in {Path(), *named} and _PAPER.fullmatch(path.name) is not None)


def serve(asked: socket.socket, arguments: Sequence[str]) -> None:
    """Make files, one after the other, until the other end is closed; what was not kept by then is removed."""
    made: Aside | None = None
    try:
        while question := asked.recv(_LONGEST):
            code, descriptors = 0, []
            try:
                said = json.loads(question)
                if "path" in said:
                    path = Path(said["path"])
                    if made is not None or not may_make(path, arguments):
                        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
                    made = Aside(path, public=said["public"] is True)
                    descriptors = [made.descriptor]
                elif made is not None:
                    finished, made = made, None
                    _finish(finished, keep=said["keep"] is True)
            except OSError as error:
                code = error.errno or errno.EIO
            socket.send_fds(asked, [json.dumps({"errno": code}).encode("ascii")], descriptors)
    finally:
        if made is not None:
            made.drop()


def _finish(made: Aside, *, keep: bool) -> None:
    try:
        if keep:
            made.keep()
    finally:
        made.drop()
        os.close(made.descriptor)


def become_person(environ: Mapping[str, str]) -> None:
    """Take on the rights of the person behind sudo, for good; root itself stays root. Raises OSError, ValueError."""
    if os.geteuid() != 0 or "SUDO_UID" not in environ:
        return
    user, group = int(environ["SUDO_UID"]), int(environ["SUDO_GID"])
    try:
        os.initgroups(pwd.getpwuid(user).pw_name, group)
    except KeyError:  # no entry in passwd
        os.setgroups([group])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def main() -> None:
    """Run the command with a porter at its side; end as it ends."""
    arguments = sys.argv[1:]
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    porter = os.fork()
    if porter == 0:
        theirs.close()
        _be_porter(ours, arguments)
    ours.close()

    def leave_it(_number: int, _frame: FrameType | None) -> None:
        """Do nothing: the terminal sends these to the command, too. A handler, since SIG_IGN would be inherited."""

    for each in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(each, leave_it)
    way = theirs.fileno()
    command = subprocess.Popen(arguments, pass_fds=(way,), env={**os.environ, VARIABLE: str(way)})  # noqa: S603 - our own script says what
    theirs.close()
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda received, _frame: command.send_signal(received))
    status = command.wait()
    os.waitpid(porter, 0)
    sys.exit(128 - status if status < 0 else status)


def _be_porter(ours: socket.socket, arguments: Sequence[str]) -> None:
    # It ends when the command does, whatever becomes of the command.
    for each in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    status = 1
    try:
        become_person(os.environ)
        serve(ours, arguments)
        status = 0
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
