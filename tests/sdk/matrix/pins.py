"""Versions of the SDKs, as their own pinned files say: what script/sdks installs."""
import json
import re

from matrix.sdk import PROGRAMS


def pip(name, package):
    text = (PROGRAMS / "python" / f"{name}.txt").read_text()
    return re.search(rf"^{re.escape(package)}==(\S+)$", text, re.MULTILINE).group(1)


def npm(folder, package):
    return json.loads((PROGRAMS / folder / "package.json").read_text())["dependencies"][package]


def cargo(package):
    text = (PROGRAMS / "rust" / "Cargo.lock").read_text()
    return re.search(rf'^name = "{re.escape(package)}"\nversion = "(.+)"$', text, re.MULTILINE).group(1)


def go(module):
    text = (PROGRAMS / "go" / "go.mod").read_text()
    return re.search(rf"^require {re.escape(module)} v(\S+)$", text, re.MULTILINE).group(1)


def jars(artifact):
    """Versions of a jar, the newest first."""
    text = (PROGRAMS / "java" / "jars.sha256").read_text()
    found = re.findall(rf"  {re.escape(artifact)}-(\d[\d.]*)\.jar$", text, re.MULTILINE)
    return sorted(found, key=lambda version: [int(part) for part in version.split(".")], reverse=True)
