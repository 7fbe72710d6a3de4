from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pipeline.domain.messages import parts, render
from pipeline.domain.words import Mode, Purpose
from pipeline.errors import ProgrammeError
from pipeline.programme import CORRECTION, SHIPPED, load_programme, shipped_programmes

VIETNAM = (SHIPPED / "programmes" / "vietnam" / "programme.toml").read_text(encoding="utf-8")


def write(folder: Path, text: str) -> str:
    path = folder / "programme.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_vietnam() -> None:
    programme = load_programme("vietnam")
    assert (programme.loinc, programme.time_zone, programme.max_pool_size) == ("94500-6", "Asia/Ho_Chi_Minh", 20)
    assert programme.default_mode is Mode.FIELD
    assert programme.modes == frozenset(Mode)
    assert programme.required_identity == ("full_name", "birth_date", "phone")
    assert programme.clocks.relabel_days == 14
    assert programme.clocks.unknown_wait_s == 30
    assert programme.sending.quiet_from is None


def test_floodlamp() -> None:
    programme = load_programme("floodlamp")
    assert programme.modes == {Mode.FIELD}
    assert programme.required_identity == ("person_code",)
    assert programme.max_pool_size == 5
    assert programme.time_zone == "America/Los_Angeles"
    assert programme.own_tube_prefix == ""


@pytest.mark.parametrize("name", shipped_programmes())
def test_T12_every_shipped_text_is_one_sms(name: str) -> None:
    programme = load_programme(name)
    assert set(programme.texts) == {*Purpose, CORRECTION}
    for text in programme.texts.values():
        assert parts(render(text, programme=programme.sms_name, link="https://kq.unpool.example/r#" + "f" * 32)) == 1


def test_a_programme_may_be_named_by_file_or_folder(tmp_path: Path) -> None:
    path = write(tmp_path, VIETNAM.replace('name = "vietnam"', 'name = "hai_phong"'))
    assert load_programme(path).name == load_programme(str(tmp_path)).name == "hai_phong"


def test_T12_a_longer_link_is_found_when_the_programme_is_loaded() -> None:
    load_programme("vietnam", "https://kq.unpool.example/r")
    with pytest.raises(ProgrammeError, match=r"texts.*one SMS"):
        load_programme("vietnam", "https://ket-qua-xet-nghiem.so-y-te.thanh-pho.example.vn/tra-cuu/ong-mau")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("max_pool_size = 20", "max_pool_size = 20\nmax_pools = 1", "programme.toml: max_pools: is not a key"),
        ("overdue_hours = 48", "overdue_hours = 48\novedue_hours = 1", "clocks.ovedue_hours: is not a key"),
        ("validity_s = 14400", "validity_s = 14400\nburst = 1", "sending.burst: is not a key"),
        ('country = "VN"', 'country = "VN"\nregion = "VN"', "phones.region: is not a key"),
        ("[texts]", '[texts]\nreminder = "x"', "texts.reminder: is not a key"),
        (
            "per_second = 20",
            'per_second = 20\nquiet_from = "06:00"\nquiet_to = "06:00"',
            "sending.quiet_from: needs a quiet_to that differs",
        ),
        ("max_pool_size = 20", "", "max_pool_size: is missing"),
        ("max_pool_size = 20", "max_pool_size = 30", "max_pool_size: must be at most 20"),
        ("max_pool_size = 20", "max_pool_size = 0", "max_pool_size: must be a whole number of at least 1"),
        ("max_pool_size = 20", "max_pool_size = true", "max_pool_size: must be a whole number"),
        ("max_pool_size = 20", 'max_pool_size = "20"', "max_pool_size: must be a whole number"),
        ('default_mode = "field"', 'default_mode = "site"', "default_mode: must be one of modes"),
        ('modes = ["field", "lab", "double"]', 'modes = ["field", "pool"]', "modes: must be some of"),
        ('loinc = "94500-6"', 'loinc = "94500"', "loinc: must be a LOINC code"),
        ('time_zone = "Asia/Ho_Chi_Minh"', 'time_zone = "Hanoi"', "time_zone: must be a time zone"),
        ('required_identity = ["full_name", "birth_date", "phone"]', 'required_identity = ["name"]', "required_identity: must be some of"),
        ('required_identity = ["full_name", "birth_date", "phone"]', "required_identity = []", "required_identity: must be some of"),
        ('own_tube_prefix = "UP"', 'own_tube_prefix = "up-"', "own_tube_prefix: must be capital"),
        ("lost_days = 10", "lost_days = 2", "clocks.lost_days: must be later"),
        ("max_message_age_days = 14", "max_message_age_days = 10", "clocks.max_message_age_days: must be more than lost_days"),
        ("per_second = 20", "per_second = 0", "sending.per_second: must be above 0"),
        ("per_second = 20", 'per_second = 20\nquiet_from = "22:00"', "sending.quiet_from: needs a quiet_to"),
        ("per_second = 20", 'per_second = 20\nquiet_from = "25:00"\nquiet_to = "06:00"', "sending.quiet_from: must be a time"),
        ('country = "VN"', 'country = "Vietnam"', "phones.country: must be a country"),
        ("mobile_pattern = '(?:0|", "mobile_pattern = '(?!0|", "phones.mobile_pattern: must be one that RE2 knows"),
        ("mobile_pattern = '(?:0|", "mobile_pattern = '(?:0|(", "phones.mobile_pattern: must be a regular expression"),
        ('0120 = "070"', '0120 = "O70"', "phones.prefix_map: must give digits"),
        ('vi = "Xét nghiệm gộp SARS-CoV-2"', "", "title: needs a text for vi"),
        ("Da co ket qua", "Đã có kết quả", "texts.result: must be written in GSM-7"),
        ("Da co ket qua", "Ket qua am tinh", "texts.result: must not tell"),
        ("correction = ", "corection = ", "texts.correction: is missing"),
        ('sms_name = "XN COVID-19"', 'sms_name = "Chuong trinh xet nghiem gop COVID-19 thanh pho"', "must fit one SMS"),
    ],
)
def test_a_broken_programme_names_file_key_and_rule(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in VIETNAM
    with pytest.raises(ProgrammeError) as caught:
        load_programme(write(tmp_path, VIETNAM.replace(old, new, 1)))
    assert message in caught.value.message


def test_quiet_hours_may_span_midnight(tmp_path: Path) -> None:
    text = VIETNAM.replace("per_second = 20", 'per_second = 0.5\nquiet_from = "22:00"\nquiet_to = "06:00"')
    sending = load_programme(write(tmp_path, text)).sending
    assert (sending.per_second, sending.quiet_from, sending.quiet_to) == (0.5, "22:00", "06:00")


def test_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(ProgrammeError, match="floodlamp, vietnam"):
        load_programme("laos")


def test_a_file_that_is_no_toml_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(ProgrammeError, match="not valid TOML"):
        load_programme(write(tmp_path, "name = "))
    (tmp_path / "programme.toml").write_bytes("name = 'é'".encode("latin-1"))
    with pytest.raises(ProgrammeError, match="not UTF-8"):
        load_programme(str(tmp_path))
    (tmp_path / "programme.toml").unlink()
    with pytest.raises(ProgrammeError, match="cannot be read"):
        load_programme(str(tmp_path))


@pytest.mark.parametrize("name", shipped_programmes())
def test_every_key_of_a_shipped_programme_is_needed_or_has_a_known_default(tmp_path: Path, name: str) -> None:
    """Taking any one top key away is an error: nothing in a programme is filled in silently."""
    text = (SHIPPED / "programmes" / name / "programme.toml").read_text(encoding="utf-8")
    for key, value in tomllib.loads(text).items():
        if not isinstance(value, dict):
            lines = [line for line in text.splitlines() if not line.startswith(f"{key} =")]
            with pytest.raises(ProgrammeError, match=f"{key}: is missing"):
                load_programme(write(tmp_path, "\n".join(lines)))
