"""Files as people send them: every wrong row is named, the others stand."""

import io
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from bihuan.core import FormatError, InputError, Place, texts
from bihuan.formats import RowFault, read_register, recognise, write_templates
from bihuan.formats.layouts import guide, kinds, sheets
from bihuan.register import (
    KINDS,
    Cell,
    Device,
    District,
    Duty,
    Outlet,
    Person,
    Register,
    Section,
    Station,
    Unit,
    check,
)

STATIONS = "点位编码,点位名称,点位类别,所属区县,经度,纬度,生效日期,失效日期"
GOOD = "1317A,郑纺机,国控,410102,113.65724,34.77134,2020-01-01,"
DAY = date(2026, 11, 1)


def stations(*rows: str, header: str = STATIONS) -> bytes:
    return "\n".join([header, *rows]).encode()


def faults(data: bytes, name: str = "点位.csv") -> list[tuple[int, str, str, str]]:
    return [(one.row, one.column, one.reason, one.allowed) for one in read_register(data, name).errors]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (",郑纺机,国控,410102,113.6,34.7,,", "点位编码", "required"),
        ("1,,国控,410102,113.6,34.7,,", "点位名称", "required"),
        ("1,a,国空,410102,113.6,34.7,,", "点位类别", "choice"),
        ("1,a,国控,410102,东,34.7,,", "经度", "number"),
        ("1,a,国控,410102,,34.7,,", "经度", "required"),
        ("1,a,国控,410102,34.7,113.6,,", "经度", "swapped"),
        ("1,a,国控,410102,213.6,34.7,,", "经度", "outside_globe"),
        ("1,a,国控,410102,113.6,34.7,2026-02-30,", "生效日期", "date"),
        ("1,a,国控,410102,113.6,34.7,2026-02-01,2026-02-01", "失效日期", "date_order"),
        ("1,a,国控,410102,113.6,34.7,,,多,余", "", "too_wide"),
        ("4.1E+23,a,国控,410102,113.6,34.7,,", "点位编码", "digits_lost"),
        ("1,#N/A,国控,410102,113.6,34.7,,", "点位名称", "excel_error"),
    ],
)
def test_a_wrong_row_is_left_out_and_named(row: str, column: str, reason: str) -> None:
    imported = read_register(stations(GOOD, row, GOOD.replace("1317A", "1318A")), "点位.csv")
    assert [fact.id for fact in imported.facts] == ["1317A", "1318A"]
    (fault,) = imported.errors
    assert (fault.sheet, fault.row, fault.column, fault.reason) == ("点位", 3, column, reason)
    assert "第3行" in fault.say()
    assert "row 3" in fault.say("en")
    assert fault.complaint.where.startswith("点位 row 3")


def test_every_wrong_cell_of_a_row_is_named() -> None:
    assert [column for _, column, _, _ in faults(stations("1,a,国空,410102,东,34.7,x,"))] == [
        "点位类别",
        "经度",
        "生效日期",
    ]


def test_a_place_outside_the_country_is_taken_with_a_warning() -> None:
    imported = read_register(stations("1,a,国控,410102,13.4,52.5,,"), "点位.csv")
    assert [fact.id for fact in imported.facts] == ["1"]
    assert [(one.reason, one.severity, one.row) for one in imported.warnings] == [("outside_country", "warning", 2)]
    assert imported.errors == ()


def test_a_code_told_twice_is_refused_and_its_history_is_not() -> None:
    twice = stations(GOOD, GOOD, "1317A,新名,国控,410102,113.6,34.7,2026-01-01,")
    imported = read_register(twice, "点位.csv")
    assert [fact.name for fact in imported.facts] == ["郑纺机", "新名"]
    assert [(one.row, one.reason, one.allowed) for one in imported.errors] == [(3, "duplicate", "2")]
    ended = GOOD + "2026-06-01"
    assert faults(stations(ended, "1317A,新名,国控,410102,113.6,34.7,2026-01-01,"))[0][:3] == (3, "生效日期", "overlap")


def test_an_unknown_column_is_named_with_the_nearest_known() -> None:
    imported = read_register(stations(GOOD + ",x,y", header=STATIONS + ",介贡,备注"), "点位.csv")
    assert [fact.id for fact in imported.facts] == ["1317A"]
    assert [(one.column, one.reason, one.row) for one in imported.warnings] == [
        ("介贡", "unknown_column", 1),
        ("备注", "unknown_column", 1),
    ]
    assert imported.warnings[0].allowed == "介质"


def test_a_missing_required_column_stops_the_table_and_says_which() -> None:
    imported = read_register(
        stations("1317A,郑纺机,国控,410102,113.6", header="点位编码,点位名称,点位类别,所属区县,经渡"), "点位.csv"
    )
    assert imported.facts == ()
    assert [(one.column, one.reason) for one in imported.errors] == [
        ("经度", "missing_column"),
        ("纬度", "missing_column"),
    ]
    assert imported.warnings[0].allowed == "经度"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", ";", "，"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_is_read_in_the_usual_encodings_and_separators(encoding: str, separator: str, end: str) -> None:
    text = f"{STATIONS}\n{GOOD}\n\n".replace(",", separator).replace("\n", end)
    imported = read_register(text.encode(encoding), "点位.csv")
    assert imported.errors == ()
    assert [fact.name for fact in imported.facts] == ["郑纺机"]


def test_full_width_stray_spaces_and_a_title_are_tolerated() -> None:
    text = "某市环境空气点位表,,,,,\n填报日期:2026年,,,,,\n 点位　编码*,点位名称,点位 类别,区县,经度(°),纬度（°）\n"
    text += "　１３１７Ａ , 郑纺机　,国控 ,４１０１０２,１１３．６５, 34.77\u00a0\n"
    imported = read_register(text.encode(), "点位.csv")
    assert imported.errors == imported.warnings == ()
    (station,) = imported.facts
    assert station == Station(
        id="1317A", name="郑纺机", kind="national", district="410102", place=Place(113.65, 34.77), source="点位.csv"
    )
    assert faults(text.encode() + b"1,a,x,1,113,34\n")[0][0] == 5


def test_names_stand_for_codes_where_they_are_one() -> None:
    district = District(id="410102", name="中原区")
    twins = [Unit(id="a", name="城管局"), Unit(id="b", name="城管局"), Unit(id="ZJJ", name="住建局")]
    row = GOOD.replace("410102", "中原区")
    (station,) = read_register(stations(row), "点位.csv", known=[district]).facts
    assert isinstance(station, Station)
    assert station.district == "410102"
    text = "事项,牵头单位,配合单位\n施工扬尘,住建局,\n道路扬尘,城管局,住建局\n".encode()
    imported = read_register(text, "职责.csv", known=twins)
    assert imported.facts == (
        Duty(id="construction@", name="施工扬尘", matter="construction", lead="ZJJ", source="职责.csv"),
    )
    assert [(one.row, one.reason, one.allowed) for one in imported.errors] == [(3, "ambiguous", "a、b")]


def test_a_sheet_of_cells_with_their_people() -> None:
    text = """网格编码,网格名称,网格级别,上级网格,人员编号,姓名,角色,负责网格
1,某街道,乡镇街道,,z1,甲岗,区县调度员,
1.1,某社区,村社区,某街道,w1,乙岗,网格员,
1.1,,,,w2,丙岗,网格员、核查员,
1.2,另一社区,村社区,1,w1,乙岗,网格员,
,,,,w3,丁岗,网格员,1.1、1.2
1.1,改名社区,村社区,1,w4,戊岗,网格员,
1.3,,,,,,,
"""
    imported = read_register(text.encode(), "网格与人员.csv")
    cells = [fact for fact in imported.facts if isinstance(fact, Cell)]
    people = {fact.id: fact.cells for fact in imported.facts if isinstance(fact, Person)}
    assert [(cell.id, cell.level, cell.parent) for cell in cells] == [("1", 3, ""), ("1.1", 4, "1"), ("1.2", 4, "1")]
    assert people == {"z1": ("1",), "w1": ("1.1", "1.2"), "w2": ("1.1",), "w3": ("1.1", "1.2"), "w4": ("1.1",)}
    assert [(one.row, one.column, one.reason) for one in imported.errors] == [
        (7, "网格名称", "contradiction"),
        (8, "网格名称", "required"),
        (8, "网格级别", "required"),
    ]


def test_the_same_file_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "点位.csv"
    path.write_bytes(stations(GOOD, GOOD.replace("1317A", "1318A")))
    first = read_register(path)
    register, changes = Register().merge(first.facts, told=first.told)
    assert len(changes) == 2
    path.rename(tmp_path / "点位 (1).csv")
    again = read_register(tmp_path / "点位 (1).csv")
    assert register.merge(again.facts, told=again.told)[1] == ()


def test_three_bad_rows_in_a_hundred_thousand_are_listed_and_the_rest_imported() -> None:
    rows = [
        f"S{i:06d},第{i}号,市控,4101{i % 12:02d},{113 + i / 1e6:.6f},34.{i:06d},2026-01-01," for i in range(100_000)
    ]
    rows[9], rows[50_000], rows[99_999] = ",x,国控,1,113,34,,", "B,x,国控,1,34,113,,", "C,x,国控,1,113,34,2026-13-01,"
    data = stations(*rows)
    imported = read_register(data, "点位.csv")
    assert len(imported.facts) == 99_997
    assert [(one.row, one.reason) for one in imported.errors] == [
        (11, "required"),
        (50_002, "swapped"),
        (100_001, "date"),
    ]


def test_workbooks_hold_dates_numbers_and_other_sheets() -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = "Sheet1"
    page.append(["点位编码", "点位名称", "点位类别", "所属区县", "经度", "纬度", "生效日期"])
    page.append([1317, "=1+1", "国控", 410102, "113.65", 34.77, date(2020, 1, 1)])
    page.cell(2, 2).data_type = "s"
    page.append([1318, "b", "国控", 410102.0, 113.65, 34.77, 43831])
    page.append([41010200000001234567, "c", "国控", 410102, 113.65, 34.77, "2020年1月1日"])
    book.create_sheet("备注").append(["填表人"])
    out = io.BytesIO()
    book.save(out)
    imported = read_register(out.getvalue(), "点位.xlsx")
    assert [(fact.id, fact.name, fact.valid_from) for fact in imported.facts] == [
        ("1317", "=1+1", date(2020, 1, 1)),
        ("1318", "b", date(2020, 1, 1)),
    ]
    assert [(one.row, one.column, one.reason) for one in imported.errors] == [(4, "点位编码", "digits_lost")]
    assert [(one.sheet, one.reason) for one in imported.warnings] == [("备注", "unknown_sheet")]


def test_a_county_starts_from_the_template_in_one_go(tmp_path: Path) -> None:
    """Every sheet of the template is filled with one row, names picked from its lists, and everything fits together."""
    path = tmp_path / "登记表.xlsx"
    write_templates(path)
    assert read_register(path).facts == ()
    assert read_register(path).errors == ()
    book = load_workbook(path)
    where = {"所属区县": "某县", "经度": 113.9, "纬度": 34.7}
    rows: dict[str, dict[str, object]] = {
        "区县": {"区县代码": "410122", "区县名称": "某县"},
        "单位": {"单位编码": "ZJJ", "单位名称": "某县住建局", "所属区县": "某县"},
        "点位": {"点位编码": "1A", "点位名称": "某小学", "点位类别": "省控"} | where,
        "断面": {"断面编码": "D1", "断面名称": "某桥", "所在河流": "某河", "目标水质": "Ⅲ"} | where,
        "企业": {"企业编码": "Q1", "企业名称": "某厂"} | where,
        "排口": {"排口编码": "Q1-DA001", "排口名称": "窑尾", "所属企业": "某厂", "介质": "大气",
               "烟气温度": 110, "许可限值": "颗粒物 10 小时"} | where,
        "工地": {"工地编码": "G1", "工地名称": "某项目", "占地面积": 10000} | where,
        "网格与人员": {"网格编码": "410122001001", "网格名称": "某社区", "网格级别": "村社区", "所属区县": "某县",
                  "人员编号": "W1", "姓名": "某岗", "角色": "网格员", "所在单位": "某县住建局"},
        "事项—责任单位": {"事项": "施工扬尘", "牵头单位": "某县住建局"},
        "数采仪": {"设备编码MN": "4101220000000001", "监测对象类别": "排口", "监测对象": "窑尾", "小时数据间隔": 3600},
    }  # fmt: skip
    for name, row in rows.items():
        page = book[name]
        places = {str(cell.value).rstrip("*").split("(")[0]: cell.column for cell in page[1]}
        for header, value in row.items():
            page.cell(3, places[header], value)
    book.save(path)
    imported = read_register(path)
    assert imported.errors == imported.warnings == ()
    assert {type(fact) for fact in imported.facts} == set(KINDS.values())
    register, changes = Register().merge(imported.facts, told=imported.told)
    assert len(changes) == 11
    assert check(register, DAY) == ()
    outlet = register.need(Outlet, "Q1-DA001", DAY)
    assert (outlet.enterprise, outlet.district, outlet.exit_temperature) == ("Q1", "410122", 383.15)
    assert register.need(Device, "4101220000000001", DAY).site == "outlet:Q1-DA001"
    assert register.need(Section, "D1", DAY).target_class == "III"
    assert register.duty("construction", "410122", DAY).lead == "ZJJ"
    assert register.officers_of("410122001001", DAY)[0].id == "W1"


def test_the_english_template_reads_like_the_chinese_one(tmp_path: Path) -> None:
    """English headers, codes from its lists; the Chinese header below each English one says what it is."""
    path = tmp_path / "register.xlsx"
    write_templates(path, "en")
    assert read_register(path).facts == ()
    assert (read_register(path).errors, read_register(path).warnings) == ((), ())
    book = load_workbook(path)
    assert book.sheetnames[0] == "说明 Guide"
    where = {"District": "Some county", "Longitude": 113.9, "Latitude": 34.7}
    rows: dict[str, dict[str, object]] = {
        "区县 Districts": {"District code": "410122", "District": "Some county"},
        "点位 Stations": {"Station code": "1A", "Station": "Some school", "Kind": "provincial"} | where,
        "断面 Sections": {"Section code": "D1", "Section": "Bridge", "River": "Some river", "Target class": "III",
                       "Official": "yes"} | where,
        "企业 Enterprises": {"Enterprise code": "Q1", "Enterprise": "Some works"} | where,
        "网格与人员 Cells and people": {"网格编码": "410122001001", "网格名称": "Some village", "网格级别": "4",
                                 "所属区县": "410122", "人员编号": "W1", "姓名": "A post", "角色": "grid_officer"},
        "数采仪 Loggers": {"设备编码MN": "MN1", "监测对象类别": "station", "监测对象": "1A", "小时数据间隔": 3600},
    }  # fmt: skip
    for name, row in rows.items():
        page = book[name]
        places: dict[str, int] = {}
        for cell in page[1]:
            for line in str(cell.value).splitlines():
                places.setdefault(line.rstrip("*").split(" (")[0].split("(")[0], cell.column)
        for header, value in row.items():
            page.cell(3, places[header], value)
    book.save(path)
    imported = read_register(path)
    assert (imported.errors, imported.warnings) == ((), ())
    register, _ = Register().merge(imported.facts, told=imported.told)
    assert register.need(Station, "1A", DAY).kind == "provincial"
    assert register.need(Section, "D1", DAY).official is True
    assert register.officers_of("410122001001", DAY)[0].roles == ("grid_officer",)
    assert register.need(Device, "MN1", DAY).site == "station:1A"
    assert check(register, DAY) == ()


def test_what_the_english_lists_offer_and_show_can_be_read() -> None:
    from bihuan.formats.cells import parser

    for kind in kinds().values():
        for column in kind.columns:
            for value in (column.shown("en"), *column.listed("en")):
                assert value is None or parser(column)(value) is not None, (column.en, value)


def test_the_template_guides_the_clerk(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    write_templates(path)
    book = load_workbook(path)
    assert book.sheetnames[0] == "说明"
    assert {"点位", "断面", "排口", "企业", "工地", "网格与人员", "事项—责任单位", "数采仪", "区县", "单位"} <= set(
        book.sheetnames
    )
    for sheet in sheets():
        if sheet.export_only:
            assert sheet.name not in book.sheetnames
            continue
        page = book[sheet.name]
        assert page.freeze_panes == "D2"
        assert page.cell(2, 1).value == guide().example
        assert all(cell.comment for cell in page[1][1:])
        lists = {str(rule.sqref).split(":")[0] for rule in page.data_validations.dataValidation if rule.type == "list"}
        for place, (_, column) in enumerate(sheet.columns, 2):
            fixed = column.type in ("choice", "yesno") or (column.of and column.type == "code")
            assert (page.cell(2, place).coordinate in lists) == bool(fixed or column.type == "choices"), column.zh
            for rule in page.data_validations.dataValidation:
                assert len(rule.formula1) <= 255
    assert book["选项"].sheet_state == "hidden"


def test_the_examples_of_the_templates_can_themselves_be_read() -> None:
    from bihuan.formats.cells import parser

    for kind in kinds().values():
        for column in kind.columns:
            if column.example is not None:
                assert parser(column)(column.example) is not None, column.zh
            assert not column.required or column.example is not None or column.key == "id", column.zh


def test_every_fault_has_words() -> None:
    reasons = {key.removeprefix("fault_") for key in texts("zh")["register"] if key.startswith("fault_")}
    for reason in reasons:
        for language in ("zh", "en"):
            said = RowFault("点位", 3, "经度", "x", reason, "y").say(language)  # type: ignore[arg-type]
            assert "点位" in said
            assert "{" not in said


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "a.csv", "holds no table"),
        ("时间,值\n1,2\n".encode(), "a.csv", "holds no table"),
        (b"PK\x03\x04torn", "a.xlsx", "cannot be opened"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a.xls", "old .xls"),
        (b"\x00\x01\x02\x03", "a.bin", "is no text"),
        (b"{", "a.geojson", "is no JSON"),
        (b'{"type": "Topology"}', "a.json", "FeatureCollection"),
        (b'{"features": [], "crs": {"properties": {"name": "EPSG:4549"}}}', "a.json", "datum"),
    ],
)
def test_a_file_that_is_no_register_is_refused_by_name(data: bytes, name: str, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        read_register(data, name)
    assert recognise(data, name) is None


def test_settings_that_are_not_known_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'BD09' is not one of CGCS2000, WGS84, GCJ02"):
        read_register(stations(GOOD), crs="BD09")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'stations' is not one of cell"):
        read_register(stations(GOOD), kind="stations")
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        read_register(tmp_path / "none.csv")


def test_files_are_recognised_by_their_header() -> None:
    found = recognise(stations(GOOD), "导出1.csv")
    assert found is not None
    assert (found.form, found.kinds) == ("csv", ("station",))
    assert recognise(b"time,stationcode,pm25\n1,2,3\n", "feed.csv") is None


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=200)
def test_no_bytes_raise_anything_but_an_input_error(data: bytes) -> None:
    recognise(data, "x")
    for start in (b"", b"\xef\xbb\xbf", stations(GOOD) + b"\n", b'{"features": [{"properties": '):
        try:
            read_register(start + data, "x")
        except InputError as problem:
            assert str(problem)


@given(st.integers(0, 2**20), st.binary(min_size=1, max_size=40))
@settings(max_examples=40)
def test_a_torn_workbook_is_refused_or_read(place: int, noise: bytes) -> None:
    book = Workbook()
    page = book.create_sheet("点位")
    page.append(STATIONS.split(","))
    page.append(GOOD.split(","))
    out = io.BytesIO()
    book.save(out)
    data = out.getvalue()
    place %= len(data)
    torn = data[:place] + noise + data[place + len(noise) :]
    try:
        read_register(torn, "点位.xlsx")
    except InputError as problem:
        assert str(problem)


@pytest.mark.reference
def test_feeds_of_observations_are_not_taken_for_a_register(shared: Path) -> None:
    for path in (shared / "data").glob("*/*.csv"):
        assert recognise(path) is None or "boundaries" in path.parent.name, path.name
