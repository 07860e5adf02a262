"""Images made here, and the SBOMs that syft makes of them: what real documents say, in three formats.

Each tree is what package tools leave in an image: databases of apk, dpkg and RPM, ``dist-info``, ``package.json``,
``gemspec``, a jar, a Go program, or the lock files of a source tree.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from tests.fakes.package_databases import ALPINE_RELEASE, DEBIAN_RELEASE, rpm_database, rpm_header
from tests.judges import tools

FORMATS = ("syft-json", "cyclonedx-json", "spdx-json")
_SECONDS = 300

Tree = dict[str, bytes]


def debian() -> Tree:
    """dpkg with three packages that brought language packages, and copies that pip, npm and gem put beside them."""
    # Without its codename, which the database made for grype does not know.
    tree: Tree = {"etc/os-release": DEBIAN_RELEASE.replace("VERSION_CODENAME=bookworm\n", "").encode()}
    requests = _dist_info("usr/lib/python3/dist-packages", "requests", "2.28.1")
    yaml = _dist_info("usr/lib/python3/dist-packages", "PyYAML", "6.0")
    semver = _package_json("usr/share/nodejs/semver", "semver", "7.3.5")
    packages: dict[str, tuple[str, str, Tree]] = {
        "libssl3": ("3.0.11-1~deb12u2", "openssl", {}),
        "libc6": ("2.36-9+deb12u3", "glibc", {}),
        "zlib1g": ("1:1.2.13.dfsg-1", "zlib", {}),
        "bsdutils": ("1:2.38.1-5+deb12u1", "util-linux (2.38.1-5+deb12u1)", {}),
        "python3-requests": ("2.28.1+dfsg-1", "requests", requests),
        "python3-yaml": ("6.0-3+b2", "pyyaml (6.0-3)", yaml),
        "node-semver": ("7.3.5+~7.3.9-2", "", semver),
    }
    status = []
    for name, (version, source, files) in packages.items():
        lines = [
            f"Package: {name}",
            "Status: install ok installed",
            "Architecture: amd64",
            f"Version: {version}",
        ]
        lines += [f"Source: {source}"] if source else []
        status.append("\n".join([*lines, "Maintainer: A <a@example.com>", "Description: x", ""]))
        sums = "".join(f"{hashlib.md5(content).hexdigest()}  {path}\n" for path, content in files.items())  # noqa: S324 - what dpkg keeps
        tree[f"var/lib/dpkg/info/{name}.md5sums"] = sums.encode()
        tree |= files
    tree["var/lib/dpkg/status"] = ("\n".join(status) + "\n").encode()
    tree |= _dist_info("usr/local/lib/python3.11/site-packages", "requests", "2.28.1")
    tree |= _dist_info("usr/local/lib/python3.11/site-packages", "Jinja2", "3.1.2")
    tree |= _dist_info("usr/local/lib/python3.11/site-packages", "zope.interface", "6.0")
    tree |= _package_json("app/node_modules/lodash", "lodash", "4.17.20")
    tree |= _package_json("app/node_modules/@babel/traverse", "@babel/traverse", "7.22.0")
    tree["usr/local/lib/ruby/gems/3.2.0/specifications/rack-2.2.6.gemspec"] = _gemspec("rack", "2.2.6")
    tree["app/lib/log4j-core-2.14.1.jar"] = _jar("org.apache.logging.log4j", "log4j-core", "2.14.1")
    return tree


def alpine() -> Tree:
    """apk with a package of another source's name, and a language package that an apk brought."""
    brought = _dist_info("usr/lib/python3.12/site-packages", "requests", "2.32.3")
    packages: tuple[tuple[str, str, str, Tree], ...] = (
        ("musl", "1.2.5-r0", "musl", {}),
        ("libcrypto3", "3.3.1-r0", "openssl", {}),
        ("py3-requests", "2.32.3-r0", "py3-requests", brought),
    )
    installed = []
    for name, version, origin, files in packages:
        lines = [
            "C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=",
            f"P:{name}",
            f"V:{version}",
            "A:x86_64",
            f"o:{origin}",
            "L:MIT",
        ]
        for path in files:
            folder, _, file = path.rpartition("/")
            lines += [f"F:{folder}", f"R:{file}"]
        installed.append("\n".join(lines) + "\n")
    tree: Tree = {
        "etc/os-release": ALPINE_RELEASE.encode(),
        "lib/apk/db/installed": "\n".join(installed).encode(),
        **brought,
    }
    return tree | _dist_info("usr/local/lib/python3.12/site-packages", "Jinja2", "3.1.2")


def rocky() -> Tree:
    """An RPM database with an epoch and a package of another source's name."""
    release = 'NAME="Rocky Linux"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n'
    database = rpm_database(
        rpm_header(
            name="bash", version="5.1.8", release="9.el9", arch="x86_64", sourcerpm="bash-5.1.8-9.el9.src.rpm"
        ),
        rpm_header(
            name="openssl-libs",
            version="3.0.7",
            release="27.el9",
            epoch=1,
            arch="x86_64",
            sourcerpm="openssl-3.0.7-27.el9.src.rpm",
        ),
        journal="DELETE",
    )
    return {"etc/os-release": release.encode(), "var/lib/rpm/rpmdb.sqlite": database}


def sources() -> Tree:
    """Lock files of a source tree, as a build scans it."""
    npm = {
        "name": "app",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "app", "version": "1.0.0"},
            "node_modules/lodash": {"version": "4.17.20"},
            "node_modules/minimist": {"version": "1.2.5-beta.1"},
        },
    }
    cargo = "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\n'
        'source = "registry+https://github.com/rust-lang/crates.io-index"\n\n'
        for name, version in (("time", "0.1.42"), ("smallvec", "1.6.0"))
    )
    gems = "GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (2.2.6)\n    nokogiri (1.13.0.rc1)\n"
    return {
        "package-lock.json": json.dumps(npm).encode(),
        "Cargo.lock": f"version = 3\n\n{cargo}".encode(),
        "Gemfile.lock": gems.encode(),
        "go.mod": b"module example.com/app\n\ngo 1.21\n\nrequire (\n\tgolang.org/x/net v0.7.0\n)\n",
        "requirements.txt": b"Django==4.2.1\nPyYAML==5.3\n",
    }


def _dist_info(folder: str, name: str, version: str) -> Tree:
    place = f"{folder}/{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nLicense: MIT\n"
    return {f"{place}/METADATA": metadata.encode(), f"{place}/RECORD": f"{name}/__init__.py,,\n".encode()}


def _package_json(folder: str, name: str, version: str) -> Tree:
    return {
        f"{folder}/package.json": json.dumps({"name": name, "version": version, "license": "ISC"}).encode()
    }


def _gemspec(name: str, version: str) -> bytes:
    return (
        f'Gem::Specification.new do |s|\n  s.name = "{name}".freeze\n  s.version = "{version}"\n'
        '  s.authors = ["A".freeze]\n  s.licenses = ["MIT".freeze]\nend\n'
    ).encode()


def _jar(group: str, name: str, version: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", f"Manifest-Version: 1.0\nImplementation-Title: {name}\n")
        archive.writestr(
            f"META-INF/maven/{group}/{name}/pom.properties",
            f"groupId={group}\nartifactId={name}\nversion={version}\n",
        )
    return packed.getvalue()


def as_image(folder: Path, tree: Mapping[str, bytes]) -> str:
    """An OCI layout of one layer; returns syft's name for it."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes) -> tuple[str, int]:
        encoded = hashlib.sha256(content).hexdigest()
        (blobs / encoded).write_bytes(content)
        return f"sha256:{encoded}", len(content)

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in tree.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    layer, layer_size = blob(packed.getvalue())
    root = {"type": "layers", "diff_ids": [layer]}
    config, config_size = blob(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": root}).encode())
    oci = "application/vnd.oci.image"
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{oci}.manifest.v1+json",
        "config": {"mediaType": f"{oci}.config.v1+json", "digest": config, "size": config_size},
        "layers": [{"mediaType": f"{oci}.layer.v1.tar", "digest": layer, "size": layer_size}],
    }
    digest, size = blob(json.dumps(manifest).encode())
    listed = [{"mediaType": manifest["mediaType"], "digest": digest, "size": size}]
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": listed}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return f"oci-dir:{folder}"


def as_directory(folder: Path, tree: Mapping[str, bytes]) -> str:
    """The tree as files; returns syft's name for it."""
    for path, content in tree.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return f"dir:{folder}"


def go_program(folder: Path) -> bytes:
    """A Go program with what it was made of inside; only of the standard library, so that nothing is fetched."""
    compiler = shutil.which("go")
    if compiler is None:
        tools.absent("go", "install Go 1.21 or later")
    folder.mkdir()
    (folder / "go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    (folder / "main.go").write_text("package main\n\nfunc main() { println(1) }\n")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOWORK": "off", "GOPROXY": "off"}
    subprocess.run(
        [compiler, "build", "-o", "app", "."],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        timeout=_SECONDS,
    )
    return (folder / "app").read_bytes()


def sboms(source: str, folder: Path) -> dict[str, Path]:
    """What syft says of it, by format."""
    folder.mkdir()
    files = {name: folder / f"sbom.{_ENDINGS[name]}.json" for name in FORMATS}
    outputs = [argument for name, file in files.items() for argument in ("--output", f"{name}={file}")]
    subprocess.run(
        [tools.find("syft"), "scan", source, "--quiet", *outputs],
        env={**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false"},
        check=True,
        capture_output=True,
        timeout=_SECONDS,
    )
    return files


_ENDINGS = {"syft-json": "syft", "cyclonedx-json": "cdx", "spdx-json": "spdx"}
