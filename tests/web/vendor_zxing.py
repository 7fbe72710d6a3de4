"""How `pipeline/web/desk/static/phone/vendor/zxing` came about: `python -m tests.web.vendor_zxing` makes it again, with npm on the path.

The package is fetched from the npm registry by the ordinary client and must have the digest below. Two modules, the reader's wasm and the
licence are taken as they are, but for one line: the address of a network of copies, from which the reader would fetch its wasm where
nobody says otherwise, is cut out. `test_phone_vendor.py` holds the files to these digests.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = "zxing-wasm"
VERSION: Final = "3.1.4"
# As the registry names it, and as `npm pack` checks it.
INTEGRITY: Final = "sha512-1+v8p7sauddySVNG+ye7GD/0TS95BG2ycdkrC+EnBrFBFkHeIghzUt2yVjtx3NucJeNrQnhT8yGAIz60Vx9o0w=="
HERE: Final = Path(__file__).parents[2] / "pipeline/web/desk/static/phone/vendor/zxing"
# Name in the package → name here.
TAKEN: Final = {
    "LICENSE": "LICENSE.txt",
    "dist/es/share.js": "share.js",
    "dist/es/reader/index.js": "reader.js",
    "dist/reader/zxing_reader.wasm": "zxing_reader.wasm",
}
DIGESTS: Final = {
    "LICENSE.txt": "fb506e4ade12d7a9efa67c9d76a9a28c8e15d347ca49a69e48e29b40b34ad2ab",
    "reader.js": "c626fdb859dbaf6afd3bb1c26d26f19e2ae939e707d318c0a3eea0fa5a0c4552",
    "share.js": "05999f50b6205d93e2bcd276819ac8fdf3dd3c1581700cb2622f444f05d27a63",
    "zxing_reader.wasm": "e8af31edb56d0522f4de74495839385ef019ba8bc90d38e5ecb2f18795d86fb2",
}
CHANGED: Final = {
    "share.js": ("`https://fastly.jsdelivr.net/npm/zxing-wasm@3.1.4/dist/${n[1]}/${e}`", "e"),
    "reader.js": ('"../share.js"', '"./share.js"'),
}


def fetch(folder: Path) -> Path:
    """The package's archive, its digest checked."""
    subprocess.run(["npm", "pack", f"{PACKAGE}@{VERSION}", "--silent"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    archive = folder / f"{PACKAGE}-{VERSION}.tgz"
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise SystemExit(f"{archive.name} is not what was pinned: {found}")
    return archive


def unpack(archive: Path, target: Path) -> dict[str, str]:
    """Name → SHA-256 of what lies in `target` then."""
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as package:
        for name, here in TAKEN.items():
            member = package.extractfile(f"package/{name}")
            assert member is not None
            data = member.read()
            if here in CHANGED:
                old, new = (text.encode() for text in CHANGED[here])
                if data.count(old) != 1:
                    raise SystemExit(f"{name} does not hold once what is to be changed: {old!r}")
                data = data.replace(old, new)
            (target / here).write_bytes(data)
    return digests(target)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, digest in unpack(fetch(Path(folder)), HERE).items():
            print(f'    "{name}": "{digest}",')
