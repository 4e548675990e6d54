"""The user's git repository, by the `git` command. This module asks and writes; what is written is decided above.

A commit is made of objects and an index of its own, and then a branch is pointed at it, which happens or does not: nothing
is checked out, the user's index and files are not involved, and whoever is killed half-way leaves only objects that git
collects. Nothing here pushes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workbench.errors import WorkbenchError, redact

SECONDS: Final = 120.0
"""What a single command of git may take."""
HOOK_SECONDS: Final = 600.0
"""What a hook of the user's may take."""
_KEPT: Final = frozenset(
    {
        "GIT_AUTHOR_NAME",
        "GIT_AUTHOR_EMAIL",
        "GIT_COMMITTER_NAME",
        "GIT_COMMITTER_EMAIL",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_SYSTEM",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_EXEC_PATH",
    }
)
"""Variables that say who the user is and how git is set up. The others may point at another repository."""
_SET: Final = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # reading does not refresh the user's index
    "GIT_LITERAL_PATHSPECS": "1",
}
_KNOWN: Final = (
    ("not a git repository", "is in no git repository", "`git init` makes one; --repo names another folder."),
    ("dubious ownership", "belongs to somebody else", "git config --global --add safe.directory FOLDER, if you trust it."),
    (
        "must be run in a work tree",
        "is in a repository without files (bare, or inside .git)",
        "Name a clone with --repo: `git clone` makes one.",
    ),
)


class GitError(WorkbenchError):
    """The repository cannot be used as it is; nothing in it was changed unless the text says so."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with a working tree.

    Attributes:
        top: the folder that the working tree begins at.
    """

    top: Path

    @classmethod
    def holding(cls, folder: Path) -> Repository:
        """Return the repository that holds a folder.

        Raises:
            GitError: none does, it is bare, or there is no git.
        """
        if not folder.is_dir():
            raise GitError(f"{folder} is no folder", hint="--repo names the folder of a git repository.")
        try:
            top = _git(folder, "rev-parse", "--show-toplevel").removesuffix("\n")
        except GitError as error:
            for words, meaning, hint in _KNOWN:
                if words in error.message:
                    raise GitError(f"{folder} {meaning}", hint=hint) from None
            raise
        return cls(Path(top))

    def ask(self, *words: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> str:
        """Return what a command of git prints.

        Raises:
            GitError: it fails; the text has what it says.
        """
        return _git(self.top, *words, stdin=stdin, environment=environment)

    def answers(self, *words: str) -> bool:
        """Whether a command of git succeeds."""
        try:
            self.ask(*words)
        except GitError:
            return False
        return True

    def head(self) -> str:
        """Return the commit that is checked out.

        Raises:
            GitError: there is none yet.
        """
        if (commit := self._commit("HEAD")) is None:
            raise GitError(f"{self.top} has no commits yet", hint="Commit something first; a branch begins at a commit.")
        return commit

    def tip(self, branch: str) -> str | None:
        """Return the commit that a branch points at; None where there is no such branch."""
        return self._commit(f"refs/heads/{branch}")

    def changed(self, *paths: str) -> bool:
        """Whether tracked files, or some of them, have changes that are not committed."""
        return bool(self.ask("status", "--porcelain", "--untracked-files=no", "--", *paths))

    def untracked(self, path: str) -> bool:
        """Whether there is a file that git does not know, ignored or not."""
        return (self.top / path).exists() and not self.ask("ls-files", "--", path)

    def exists(self, commit: str, path: str) -> bool:
        """Whether a commit has a file or a folder at a path."""
        return bool(self.ask("ls-tree", "--full-tree", "-z", commit, "--", path))

    def is_folder(self, commit: str, path: str) -> bool:
        """Whether a commit has a folder at a path."""
        return self.ask("ls-tree", "--full-tree", commit, "--", path).startswith("040000 ")

    def contains(self, branch: str, commit: str) -> bool:
        """Whether a commit belongs to the history of a branch."""
        return self.answers("merge-base", "--is-ancestor", commit, f"refs/heads/{branch}")

    def text(self, commit: str, path: str) -> str | None:
        """Return a file of a commit; None where it has none."""
        return self.ask("cat-file", "blob", f"{commit}:{path}") if self.exists(commit, path) else None

    def user(self) -> str:
        """Return the name that commits get.

        Raises:
            GitError: git does not know it.
        """
        try:
            return self.ask("var", "GIT_COMMITTER_IDENT").rsplit(" <", 1)[0]
        except GitError:
            hint = 'git config --global user.name "Your Name" and user.email you@example.com'
            raise GitError("git does not know who you are", hint=hint) from None

    def checked_out(self, branch: str) -> Repository | None:
        """Return the working tree, this one or a linked one, that a branch is checked out in."""
        place = None
        for line in self.ask("worktree", "list", "--porcelain").splitlines():
            if line.startswith("worktree "):
                place = line.removeprefix("worktree ")
            elif place and line == f"branch refs/heads/{branch}" and Path(place).is_dir():
                return Repository(Path(place))
        return None

    def commit(self, parent: str, files: Mapping[str, str], message: str, *, under: str, verify: bool = True) -> str:
        """Make a commit that adds or replaces files; no branch points at it yet.

        Args:
            parent: commit that it follows.
            files: their texts, by name.
            message: in whole.
            under: folder that they are in, from the top.
            verify: run the hooks `pre-commit` and `commit-msg`, in a copy of the working tree.

        Returns:
            its name.

        Raises:
            GitError: a hook refuses, or git cannot write it.
        """
        self.user()
        with tempfile.TemporaryDirectory(prefix="workbench-git-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.ask("read-tree", parent, environment=index)
            entries = "".join(f"100644 {self._blob(f'{under}/{name}', text)}\t{under}/{name}\0" for name, text in files.items())
            self.ask("update-index", "-z", "--index-info", stdin=entries.encode(), environment=index)
            if verify:
                message = self._verified(Path(folder), message)
            tree = self.ask("write-tree", environment=index).strip()
        signed = ["-S"] if self.ask("config", "--type=bool", "--default=false", "--get", "commit.gpgsign") == "true\n" else []
        return self.ask("commit-tree", *signed, tree, "-p", parent, "-F", "-", stdin=message.encode()).strip()

    def point(self, branch: str, commit: str, before: str | None) -> None:
        """Point a branch at a commit, if it still is where it was.

        Args:
            branch: its name.
            commit: where to.
            before: the commit that it points at; None says that there is no such branch.

        Raises:
            GitError: it is not, or a hook refuses.
        """
        try:
            self.ask("update-ref", "-m", "workbench", f"refs/heads/{branch}", commit, before or "")
        except GitError as error:
            hint = "Where somebody else moved it meanwhile, do it again."
            raise GitError(f"the branch {branch} cannot be set: {error.message}", hint=hint) from None

    def take(self, commit: str, paths: Sequence[str]) -> None:
        """Make some files of the working tree and its index those of a commit, and leave all others alone."""
        self.ask("restore", f"--source={commit}", "--staged", "--worktree", "--", *paths)

    def forget(self, branch: str, commit: str) -> None:
        """Remove a branch that points at a commit."""
        self.ask("update-ref", "-d", f"refs/heads/{branch}", commit)

    def _commit(self, name: str) -> str | None:
        try:
            return self.ask("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}").strip()
        except GitError:
            return None

    def _blob(self, path: str, text: str) -> str:
        """Store a text as `git add` would store it at a path; return its name."""
        return self.ask("hash-object", "-w", "--stdin", f"--path={path}", stdin=text.encode()).strip()

    def _verified(self, folder: Path, message: str) -> str:
        """Return the message as hooks leave it; they see a copy of the working tree with the new files."""
        hooks = self.top / self.ask("rev-parse", "--git-path", "hooks").removesuffix("\n")
        present = [name for name in ("pre-commit", "commit-msg") if os.access(hooks / name, os.X_OK)]
        if not present:
            return message
        tree, said = folder / "tree", folder / "COMMIT_EDITMSG"
        tree.mkdir()
        said.write_text(message, encoding="utf-8")
        inside = {
            "GIT_DIR": self.ask("rev-parse", "--absolute-git-dir").removesuffix("\n"),
            "GIT_WORK_TREE": str(tree),
            "GIT_INDEX_FILE": str(folder / "index"),
            "GIT_LFS_SKIP_SMUDGE": "1",  # a copy to look at need not fetch large files
        }
        _git(tree, "checkout-index", "--all", environment=inside)
        _git(tree, "update-index", "-q", "--refresh", environment=inside)
        for name in present:
            words = ["--", str(said)] if name == "commit-msg" else []
            try:
                _git(tree, "hook", "run", name, *words, environment=inside, seconds=HOOK_SECONDS)
            except GitError as error:
                hint = f"Its words are above. Mend what it asks for, or commit without hooks: --no-verify. ({hooks / name})"
                raise GitError(f"your hook {name} refuses: {error.message}", hint=hint) from None
        return said.read_text(encoding="utf-8")


def _git(
    folder: Path,
    *words: str,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> str:
    """Run git in a folder and return what it prints; its whole family ends with it."""
    program = shutil.which("git")
    if program is None:
        raise GitError("there is no git on this machine", hint="Install it: https://git-scm.com/downloads")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT}
    process = subprocess.Popen(  # noqa: S603 - git itself, its words one by one, no shell
        [program, *words],
        cwd=folder,
        env=kept | _SET | dict(environment or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(stdin, timeout=seconds)
    except BaseException as error:
        _kill(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise GitError(f"git {words[0]} took more than {seconds:.0f} s and was ended") from None
        raise
    if process.returncode:
        said = (err or out).decode(errors="replace").strip() or f"it ended with {process.returncode}"
        raise GitError(redact(f"git {words[0]}: {said}"))
    return out.decode(errors="surrogateescape")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and its children, which may hold its pipes open."""
    if os.name == "posix":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.communicate()
