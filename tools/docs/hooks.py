# SPDX-License-Identifier: BSD-3-Clause
"""What MkDocs does not do by itself: pages that lie outside of docs/, and files that pages link to, become part of the site.

README.md, CONTRIBUTING.md, SECURITY.md and CHANGELOG.md become pages at its top. Any other file that a page links to
becomes a page with its text, beneath files/; a folder becomes a list of its files. So every link leads to a page of the site
or to another host, and MkDocs checks all of them (--strict). Pages that would load something from another host are refused.
"""
import pathlib
import posixpath
import re
import subprocess
import sys

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from docs_links import LINK, is_external, links, slug  # noqa: E402

OWN = {"README.md": "overview.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}
LANGUAGES = {".c": "c", ".h": "c", ".py": "python", ".toml": "toml", ".json": "json"}
LINK_OR_CODE = re.compile(LINK.pattern + r"|`[^`]*`")
ITEM = re.compile(r"\s*(?:[-*+]|\d+\.) ")
LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"(?:https?:)?//|<link\b[^>]*\bhref=\"(?:https?:)?//[^>]*>", re.I)


def tracked(folder):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", folder], cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted(set(out.stdout.splitlines()))


def place(path):
    """The page of the site, `a/b.md`, that stands for a file or folder of the repository."""
    if (ROOT / path).is_dir():
        inner = posixpath.relpath(path, "docs") if path.startswith("docs/") else f"files/{path}"
        return f"{inner}/index.md"
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return OWN.get(path, f"files/{path}.md")


def target_of(path, link):
    """(path in the repository, anchor) that a link of the page `path` leads to."""
    name, _, anchor = link.partition("#")
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) if name else path, anchor


def page_of(path):
    """The text of the page that stands for what is no page in the repository."""
    if (ROOT / path).is_dir():
        names = [name for name in tracked(path) if not name.endswith(".png")]
        return f"# {path}/\n\n" + "\n".join(f"- [{name}]({posixpath.relpath(name, path)})" for name in names) + "\n"
    fence = "`" * 5
    return f"# {path}\n\n{fence}{LANGUAGES.get(pathlib.Path(path).suffix, 'text')}\n{(ROOT / path).read_text()}\n{fence}\n"


class Site:
    """The pages that are added, and of what."""

    origin = {}  # of the site -> of the repository


def on_config(config):
    decisions = sorted(path.name for path in (ROOT / "docs/decisions").glob("*.md"))
    config.nav[-1]["Change it"].append({"Decisions": [f"decisions/{name}" for name in decisions]})
    config.mdx_configs["toc"] = {"permalink": False, "slugify": lambda text, _separator: slug(text)}
    return config


def on_files(files, config):
    """Add whatever pages link to, and what the added ones link to."""
    Site.origin = {}
    waiting = [*OWN, *(f"docs/{file.src_uri}" for file in files.documentation_pages())]
    seen = set(waiting)
    while waiting:
        path = waiting.pop()
        uri = place(path)
        text = (ROOT / path).read_text() if path.endswith(".md") else page_of(path)
        if not files.get_file_from_path(uri):
            Site.origin[uri] = path
            files.append(File.generated(config, uri, content=text))
        for _, link in links(text):
            if is_external(link):
                continue
            found, _ = target_of(f"{path}/index.md" if (ROOT / path).is_dir() else path, link)
            if found in seen or found.endswith((".png", ".svg")):
                continue
            if not (ROOT / found).exists():
                raise PluginError(f"{path}: {link}: there is no such file")
            seen.add(found)
            waiting.append(found)
    return files


def on_page_markdown(markdown, page, **_):
    """Links between files of the repository become links between pages of the site."""
    path = Site.origin.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    base = f"{path}/index.md" if (ROOT / path).is_dir() else path

    def relink(match):
        if is_external(match[2]) or match[2].startswith("#"):
            return match[0]
        found, anchor = target_of(base, match[2])
        there = posixpath.relpath(place(found), posixpath.dirname(page.file.src_uri) or ".")
        return match[1] + there + (f"#{anchor}" if anchor else "") + match[3]

    out, fence, in_item = [], None, False
    for line in markdown.split("\n"):
        if mark := re.match(r"\s*(`{3,})", line):
            fence = None if fence == mark[1] else fence or mark[1]
        elif not fence and ITEM.match(line) and out and out[-1].strip() and not ITEM.match(out[-1]) and not in_item:
            out.append("")  # MkDocs begins a list only after an empty line
        in_item = bool(ITEM.match(line)) or in_item and bool(line.strip())
        out.append(line if mark or fence else LINK_OR_CODE.sub(lambda m: relink(m) if m[2] else m[0], line))
    return "\n".join(out)


def on_post_page(output, page, **_):
    if found := LOADED.search(output):
        raise PluginError(f"{page.file.src_uri}: loads something from another host: {found[0]}")
    return output


def on_post_build(config, **_):
    for sheet in pathlib.Path(config.site_dir).rglob("*.css"):
        if found := re.search(r"(@import|url\()\s*['\"]?(https?:)?//[^)]*", sheet.read_text(errors="replace")):
            raise PluginError(f"{sheet}: loads something from another host: {found[0]}")
