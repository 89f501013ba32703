"""Candidates in git: harness versions as commits under refs/autodata, made without a checkout.

A candidate is the repository as it was when its run began, with the files of one harness replaced,
so `git diff HEAD c5`, `git cherry-pick` and `git log --graph --glob=refs/autodata/RUN` read as
expected. Neither index nor working tree is touched, no hook runs, and nothing is signed.
"""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType

from autodata.errors import RepositoryError
from autodata.harness.knobs import MANIFEST, nearest, read_manifest
from autodata.harness.spec import LIMITS, TOTAL_LIMIT, check_files

NEEDED = re.compile(r"PATH|HOME|USER|LOGNAME|EMAIL|LANG(UAGE)?|LC_.*|XDG_.*|TMPDIR|TZ|LD_.*|GIT_.*")
"""Names of the environment variables that git may know; keys are not among them."""


@contextmanager
def _only_needed() -> Iterator[None]:
    """Hide the rest of the environment, where GitPython runs git and can be given no other."""
    hidden = {name: value for name, value in os.environ.items() if not NEEDED.fullmatch(name)}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)


try:
    with _only_needed():  # GitPython looks for the git program when it is imported
        from git import Repo
        from git.exc import GitError
except ImportError as error:
    said = str(error).splitlines()[0]
    raise RepositoryError(f"git cannot be used: {said}", "install git 2.30 or later") from None

SEARCHER = "autodata <autodata@localhost>"
"""Who commits candidates: a search needs no identity, and its commits hash the same everywhere."""

_REF_PART = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.|lock$|$))*")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_ENVIRONMENT = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
    "GIT_NAMESPACE": "",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "merge.verifySignatures": "false",
    "i18n.commitEncoding": "UTF-8",
    "i18n.logOutputEncoding": "UTF-8",
    "user.useConfigOnly": "true",
    "fastimport.unpackLimit": "1000",
}


def create_repository(root: Path) -> bool:
    """Make `root` a git repository unless it lies in one; return whether it was made."""
    if in_repository(root):
        return False
    try:
        with _only_needed():
            Repo.init(root, initial_branch="main").close()
    except (GitError, OSError) as error:
        raise RepositoryError(f"git init failed in {root}: {error}", "run git init there") from None
    return True


class Repository:
    """The git repository around a project; `with` closes it.

    Whatever GIT_DIR and its like say in the environment, it is the repository that `root` lies in.
    """

    def __init__(self, root: Path) -> None:
        top = _top(root)
        if top is None:
            raise RepositoryError(
                f"{root} is in no git repository", "run autodata init, or git init"
            )
        try:
            self._repo = Repo(top)
        except (GitError, OSError, ValueError) as error:
            raise RepositoryError(
                f"{top} is no git repository: {error}", "run git status there"
            ) from None
        self._folder = PurePosixPath(root.resolve().relative_to(top).as_posix())
        folder, common = Path(self._repo.git_dir), Path(self._repo.common_dir)
        self._environment = {
            **{name: "" for name in os.environ if not NEEDED.fullmatch(name)},  # no keys for git
            **_ENVIRONMENT,
            "GIT_DIR": str(folder),
            "GIT_COMMON_DIR": str(common),
            "GIT_WORK_TREE": str(top),
            "GIT_INDEX_FILE": str(folder / "index"),
            "GIT_OBJECT_DIRECTORY": str(common / "objects"),
        }

    def __enter__(self) -> "Repository":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._repo.close()

    def git(self, *words: str, stdin: bytes = b"") -> str:
        """Run git on this repository, free of hooks, signing and odd configuration.

        Raises:
            RepositoryError: git's own words.
        """
        settings = [part for key, value in _CONFIG.items() for part in ("-c", f"{key}={value}")]
        command = [self._repo.git.GIT_PYTHON_GIT_EXECUTABLE, *settings, *words]
        try:
            with tempfile.TemporaryFile() as file:
                file.write(stdin)
                file.seek(0)
                out = self._repo.git.execute(
                    command,
                    istream=file,
                    env=self._environment,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                )
        except GitError as error:
            message = str(getattr(error, "stderr", "") or error).strip().removeprefix("stderr: ")
            problem = f"git {words[0]} failed: {message.strip(chr(39))}"
            raise RepositoryError(problem, "put that right with git, then try again") from None
        except OSError as error:
            problem = f"git {words[0]} cannot be given its input: {error.strerror}"
            fix = "make room in /tmp, or set TMPDIR to a folder that has some"
            raise RepositoryError(problem, fix) from None
        return out.decode("utf-8", errors="replace")

    def folder(self, harness: str) -> str:
        """The path of a harness relative to the top of the repository."""
        return str(self._folder / "harnesses" / harness)

    def head(self) -> str | None:
        """The commit that is checked out; None before the first one."""
        return self._commit("HEAD")

    def branch(self) -> str | None:
        """The branch that is checked out; None on a detached HEAD."""
        try:
            return self.git("symbolic-ref", "--quiet", "--short", "HEAD").strip()
        except RepositoryError:
            return None

    def identity(self) -> str:
        """Return who commits and when, as git writes it; never made up.

        Raises:
            RepositoryError: git knows no name or address of the user.
        """
        try:
            return self.git("var", "GIT_COMMITTER_IDENT").strip()
        except RepositoryError:
            raise RepositoryError(
                "git does not know who you are",
                'git config --global user.name "Your Name" && '
                "git config --global user.email you@example.org",
            ) from None

    def last_change(self, harness: str) -> str:
        """Return the newest commit of the current branch that touched a harness."""
        words = ("log", "-1", "--no-show-signature", "--format=%H", "HEAD", "--")
        return self.git(*words, self.folder(harness)).strip()

    def is_clean(self, path: str = "") -> bool:
        """Whether no tracked file is changed; under `path` untracked files count too."""
        words = ["status", "--porcelain", "--ignore-submodules=dirty"]
        words += [f"--untracked-files={'all' if path else 'no'}"]
        return not self.git(*words, *(["--", path] if path else []))

    def commit_candidate(
        self,
        run: str,
        candidate_id: str,
        files: Mapping[str, str],
        parent: str | None,
        message: str,
        when: int,
    ) -> str:
        """Commit a candidate to `refs/autodata/<run>/<candidate_id>` and return its id.

        The same arguments give the same commit, however often. `when` is in seconds since 1970.

        Raises:
            HarnessError: a path, size or character is not allowed.
            RepositoryError: git cannot write it.
        """
        ref = _ref(run, candidate_id)
        name = read_manifest(files.get(MANIFEST, "")).name
        trailers = f"Harness: {name}\nRun: {run}\nCandidate: {candidate_id}"
        author = f"{SEARCHER} {when} +0000"
        subject = message.strip()[:8_000] or f"Candidate {candidate_id}"
        return self.write_commit(ref, name, files, parent, f"{subject}\n\n{trailers}", author)

    def write_commit(
        self,
        ref: str,
        harness: str,
        files: Mapping[str, str],
        parent: str | None,
        message: str,
        author: str,
    ) -> str:
        """Point `ref` at a new commit: `parent` with the files of one harness replaced.

        `author` is `Name <email> seconds zone`. Other files in the harness's folder stay.
        """
        check_files(files)
        body = _UNPRINTABLE.sub("?", message).strip().encode() + b"\n"
        stream = [f"commit {ref}\nmark :1\ncommitter {author}\ndata {len(body)}\n".encode(), body]
        if parent:
            stream.append(f"from {parent}\n".encode())
        for path in sorted(LIMITS):
            place = f"{self.folder(harness)}/{path}".replace("\\", "\\\\").replace('"', '\\"')
            if path in files:
                blob = files[path].encode()
                stream.append(f'M 100644 inline "{place}"\ndata {len(blob)}\n'.encode() + blob)
                stream.append(b"\n")
            elif parent:
                stream.append(f'D "{place}"\n'.encode())
        stream.append(b"\nget-mark :1\ndone\n")
        written = self.git("fast-import", "--quiet", "--force", "--done", stdin=b"".join(stream))
        return written.split()[0]

    def read_files(self, commit: str, harness: str = "") -> dict[str, str]:
        """Return a harness's files at a commit; links and files of other kinds are left out.

        Without `harness` it is the one that the commit names, else the only one there is.

        Raises:
            RepositoryError: no such commit, no such harness there, or not readable.
        """
        root = self._commit(commit)
        if root is None:
            raise RepositoryError(f"git knows no commit {commit!r}", "see `autodata versions`")
        folder = self.folder(harness or self._harness_of(root))
        listing = self.git("ls-tree", "-r", "-z", "-l", "--full-tree", root, "--", f"{folder}/")
        files = {}
        for line in listing.split("\0"):
            about, _, place = line.partition("\t")
            path = place.removeprefix(f"{folder}/")
            if path in LIMITS:
                mode, _, blob, size = about.split()
                if mode not in ("100644", "100755") or int(size) > 4 * TOTAL_LIMIT:
                    raise RepositoryError(
                        f"{place} is no plain file of a usable size", "replace it"
                    )
                files[path] = self.git("cat-file", "blob", blob)
        if not files:
            raise RepositoryError(f"{commit} has no harness in {folder}", "name another version")
        return files

    def resolve(self, run: str, candidate: str) -> str:
        """Return the commit of a candidate.

        Raises:
            RepositoryError: the run has no such candidate; names the nearest.
        """
        target = self._commit(_ref(run, candidate))
        if target is None:
            names = self.candidates(run)
            fix = nearest(candidate, names) if names else "see `autodata runs`"
            raise RepositoryError(f"there is no candidate {run}/{candidate}", fix)
        return target

    def candidates(self, run: str) -> list[str]:
        """Return the names of a run's candidates that git keeps."""
        place = f"refs/autodata/{_part(run)}/"
        return self.git("for-each-ref", "--format=%(refname:strip=3)", place).split()

    def forget(self, run: str) -> None:
        """Delete the refs of a run's candidates."""
        refs = [_ref(run, candidate) for candidate in self.candidates(run)]
        self.git("update-ref", "--stdin", stdin="".join(f"delete {r}\n" for r in refs).encode())

    def origin(self, commit: str) -> tuple[int, str | None]:
        """Return when a commit was made, in seconds since 1970, and its parent."""
        form = "--format=%ct %P"
        when, parent = self.git("log", "-1", "--no-show-signature", form, commit).split(" ", 1)
        return int(when), parent.strip() or None

    def _commit(self, name: str) -> str | None:
        try:
            words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
            return self.git(*words).strip()
        except RepositoryError:
            return None

    def _harness_of(self, commit: str) -> str:
        form = "--format=%(trailers:key=Harness,valueonly)"
        if harness := self.git("log", "-1", "--no-show-signature", form, commit).strip():
            return harness
        place = f"{self._folder / 'harnesses'}/"
        listing = self.git("ls-tree", "-d", "-z", "--name-only", "--full-tree", commit, "--", place)
        names = [PurePosixPath(line).name for line in listing.split("\0") if line]
        if len(names) == 1:
            return names[0]
        raise RepositoryError(
            f"{commit[:10]} holds {len(names)} harnesses: {', '.join(names)}", "name one of them"
        )


def in_repository(path: Path) -> bool:
    """Whether a folder lies in a git repository."""
    return _top(path) is not None


def _top(path: Path) -> Path | None:
    path = path.resolve()
    return next((place for place in (path, *path.parents) if (place / ".git").exists()), None)


def _part(name: str) -> str:
    if not _REF_PART.fullmatch(name):
        raise RepositoryError(
            f"{name!r} cannot be part of a git ref",
            "use letters, digits, dashes, dots, underscores",
        )
    return name


def _ref(run: str, candidate: str) -> str:
    return f"refs/autodata/{_part(run)}/{_part(candidate)}"
