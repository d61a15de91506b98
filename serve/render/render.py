"""Renders the files of `plume serve render`, and writes them into a folder of their own."""

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from plume import __version__, files, output
from plume.errors import InputError
from serve.config import ServeConfig
from serve.render.facts import gather, gather_pod
from serve.render.files import FILES, FOLDERS, File

KIND = output.RENDERED
MADE = "Made by plume {version}: plume serve render. Not to be edited: change the server's config and render again."


def rendered(config: ServeConfig) -> dict[str, str]:
    """Render every file that this config wants, by its path. The same config gives the same text. Raises InputError."""
    machine, pod = gather(config), gather_pod(config)
    # Nothing is escaped: these are no pages, and facts holds what means itself in all of these languages.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("serve.render"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["span"] = lambda seconds: (
        f"{seconds:g}s" if seconds == int(seconds) else f"{int(seconds * 1000)}ms"
    )
    made = MADE.format(version=__version__)
    texts = {}
    for file in FILES:
        facts = pod if file.pod else machine
        if file.needs and not facts[file.needs]:
            continue
        for replica in facts["replicas"] if "{replica}" in file.path else [None]:
            given = {**facts, "replica": replica, "made": made}
            use = environment.from_string(file.use).render(given)
            body = environment.get_template(file.template).render(given, use=use)
            texts[file.path.format(replica=replica and replica.name)] = _head(file, made, f"Use: {use}") + body
    return texts


def _head(file: File, *lines: str) -> str:
    """Write the comment at the top of a file."""
    return "".join(f"{file.comment}{line}\n" for line in lines) if file.comment else ""


def write(config: ServeConfig, out: Path) -> list[str]:
    """Write the files into `out`: an empty folder, or one of its own that nobody changed. Raises InputError."""
    _check(out)
    texts = rendered(config)
    with files.telling(out, "name another folder with --out"), output.building(out, KIND) as made:
        for path, text in texts.items():
            files.make_folder((made / path).parent)
            files.write(made / path, text)
        told = {
            "made_by": "plume serve render",
            "files": {path: files.sha256(text.encode()) for path, text in texts.items()},
        }
        files.write(made / KIND.marker, files.json_line(told))
    return sorted(texts)


def _check(out: Path) -> None:
    """Refuse a folder that holds something else, or files that were changed since they were rendered."""
    if output.holds(out, KIND) and not KIND.is_in(out):
        raise InputError(f"{out}: holds something else than rendered files; name an empty folder with --out")
    output.check_folder(out, KIND, force=True)
    told = files.read_object(out / KIND.marker)
    for path in sorted(each for folder in FOLDERS for each in (out / folder).rglob("*") if each.is_file()):
        name = str(path.relative_to(out))
        if told and told["files"].get(name) != files.file_sha256(path):
            raise InputError(
                f"{path}: was changed since it was rendered; put the change into the config, or name another folder "
                "with --out"
            )
