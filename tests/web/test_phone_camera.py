"""The camera: a made-up clip with a tube's Code 128 and a card's QR through zxing in its worker, and a browser's own detector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from playwright.sync_api import Browser, expect

from pipeline.domain.identity import read_card
from tests.web.desk import Town
from tests.web.phone import CARD, Site, arrived, begin, finish, phone, screen, sign_in
from tests.web.screens import CHROMIUM, NEEDS_CHROMIUM, judged

pytestmark = [
    pytest.mark.slow,
    NEEDS_CHROMIUM,
]
WIDTH, HEIGHT = 640, 480
TUBE = "UP102022L"
# Born in 1984, female: what its id says as well.
WOMAN = CARD.replace("079084", "079184")


def clip(path: Path) -> None:
    """A video of one picture: the tube's bar code above, the card's QR below. YUV4MPEG2, as Chromium's fake camera takes it."""
    picture = np.full((HEIGHT, WIDTH), 235, np.uint8)
    for text, kind, top, scale in ((TUBE, zxingcpp.BarcodeFormat.Code128, 8, 2), (WOMAN, zxingcpp.BarcodeFormat.QRCode, 150, 6)):
        code = np.array(zxingcpp.create_barcode(text, kind).to_image(scale=scale, add_quiet_zones=True))
        height, width = code.shape
        left = (WIDTH - width) // 2
        picture[top : top + height, left : left + width] = np.clip(code, 16, 235)
    grey = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8).tobytes()
    frame = b"FRAME\n" + picture.tobytes() + grey + grey
    path.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F5:1 Ip A1:1 C420jpeg\n".encode() + frame * 2)


@pytest.fixture(scope="module")
def with_camera(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera plays the clip, and whose owner has nothing against it."""
    film = tmp_path_factory.mktemp("film") / "codes.y4m"
    clip(film)
    given = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", f"--use-file-for-fake-video-capture={film}"]
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=given)
    yield browser
    browser.close()


def test_tube_and_card_are_read_by_zxing_and_arrive(with_camera: Browser, site: Site, town: Town) -> None:
    with phone(with_camera, site) as page:
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text) if message.type == "error" else None)
        assert page.evaluate("'BarcodeDetector' in window") is False
        page.locator("#scan-tube").click()
        expect(page.locator("#tube-title")).to_have_text(f"Tube {TUBE}")
        assert page.locator("#video").get_attribute("data-reader") == "zxing"
        page.locator("#scan-card").click()
        expect(page.locator("#f-full_name")).to_have_value("Lê Thị Bích Đào")
        card = read_card(WOMAN)
        assert card is not None
        for field, value in (("birth_date", "05/03/1984"), ("sex", "F"), ("citizen_id", card.citizen_id), ("address", card.address)):
            expect(page.locator(f"#f-{field}")).to_have_value(value)
        page.locator("#f-phone").fill("0901234567")
        page.locator("#save-person").click()
        page.locator("#scan-card").click()
        expect(page.locator("#places")).to_have_text("Lê Thị Bích Đào is already in this tube.")
        screen(page, "scanned-again-en")
        page.locator("#cancel-person").click()
        finish(page)
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        (row,) = arrived(town)
        assert (row["tube_code"], row["full_name"], row["citizen_id"]) == (TUBE, card.full_name, card.citizen_id)
        assert refused == [], "the policy let all of it run"


def test_what_is_scanned_in_the_wrong_place_is_said_and_the_camera_stays(with_camera: Browser, site: Site) -> None:
    """The clip's tube is on this phone and finished: neither it nor the card is a new tube."""
    with phone(with_camera, site) as page:
        begin(page, TUBE)
        page.locator("#type-person").click()
        page.locator("#f-full_name").fill(WOMAN)
        page.locator("#f-phone").fill("0901234567")
        page.locator("#save-person").click()
        finish(page)
        expect(page.locator("#tubes > li[data-state=received]")).to_have_count(1)
        page.locator("#scan-tube").click()
        expect(page.locator("#camera-note")).to_contain_text("is on this phone already")
        expect(page.locator("#video")).to_be_visible()
        screen(page, "camera-en")
        judged(page)
        page.locator("#stop-camera").click()
        expect(page.locator("#tube-code")).to_be_focused()
        assert page.evaluate("document.getElementById('video').srcObject") is None, "the camera is off"


OWN = """
globalThis.BarcodeDetector = class {
  static getSupportedFormats() { return Promise.resolve(["qr_code", "code_128", "code_39", "data_matrix"]); }
  constructor({ formats }) { this.formats = formats; }
  async detect(video) {
    if (!video.videoWidth) return [];
    return [{ rawValue: this.formats.length === 1 ? CARD : "FLB6092" }];
  }
};
"""


def test_a_browser_s_own_detector_is_preferred(with_camera: Browser, site: Site) -> None:
    with phone(with_camera, site, login=None) as page:
        page.add_init_script(OWN.replace("CARD", repr(WOMAN)))
        sign_in(page.context, site, "lan")
        page.goto(f"{site.address}/phone/")
        page.locator("#scan-tube").click()
        expect(page.locator("#tube-title")).to_have_text("Tube FLB6092")
        page.locator("#scan-card").click()
        expect(page.locator("#f-full_name")).to_have_value("Lê Thị Bích Đào")
        assert page.locator("#video").get_attribute("data-reader") == "own"


def test_a_camera_that_may_not_be_used_leaves_typing(chromium: Browser, site: Site) -> None:
    with phone(chromium, site) as page:
        page.locator("#scan-tube").click()
        expect(page.locator("#camera-note")).to_contain_text("There is no camera")
        expect(page.locator("#video")).to_be_hidden()
        page.locator("#stop-camera").click()
        expect(page.locator("#tube-code")).to_be_focused()
        begin(page, "FLB6092")
