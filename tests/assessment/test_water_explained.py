"""Every verdict of water says its values, limits, edition, and the sentence a bureau writes."""

import json

import polars as pl
import pytest

from bihuan.assessment import explain_water, judge_water
from bihuan.core import InputError, Language, to_json


def table(**columns: str) -> pl.DataFrame:
    return pl.DataFrame([{"site": "section:东桥", "date": "2024-06-01"} | columns])


def told(frame: pl.DataFrame, language: Language = "zh", **options: object) -> tuple[list[str], str]:
    found = explain_water(judge_water(frame, **options).verdicts.row(0, named=True))  # type: ignore[arg-type]
    return [step.say(language) for step in found.steps], found.sentence.say(language)


BAD = table(nh3n="1.2", tp="0.21", do="4.9", ph="7")


def test_a_section_beyond_class_three_names_its_items_and_multiples() -> None:
    steps, sentence = told(BAD)
    assert sentence == (
        "东桥 2024-06-01 水质类别为Ⅳ类,主要超Ⅲ类项目(倍数):氨氮(0.20)、总磷(0.05)、溶解氧(依据 GB 3838-2002)。"
    )
    assert "氨氮 1.2 mg/L,Ⅰ~Ⅴ类限值 0.15 / 0.5 / 1.0 / 1.5 / 2.0:Ⅳ类" in steps
    assert "氨氮超Ⅲ类:(1.2 - 1.0) / 1.0 = 0.20 倍" in steps
    assert "溶解氧 4.9 mg/L,不满足Ⅲ类限值 5;不计超标倍数" in steps
    assert "17 个项目没有监测值,未参加评价" in steps


def test_the_same_in_english() -> None:
    _, sentence = told(BAD, "en")
    assert sentence == (
        "东桥 2024-06-01: Class IV, chiefly beyond class III (times): ammonia nitrogen(0.20), total phosphorus(0.05), "
        "dissolved oxygen (by GB 3838-2002)."
    )


def test_value_limit_and_status_are_those_of_the_worst_item() -> None:
    found = explain_water(judge_water(table(nh3n="1.2", cod="20")).verdicts.row(0, named=True))
    assert (found.value, found.limit, found.unit) == ("1.2", "1.0", "mg/L")
    assert (found.edition, found.status) == ("GB 3838-2002", "single_source")
    assert found.clause == "table 1; 环办〔2011〕22号, single factor"


def test_good_water_and_water_that_cannot_be_told() -> None:
    assert told(table(cod="10"))[1] == "东桥 2024-06-01 水质类别为Ⅰ类,没有项目超过Ⅲ类(依据 GB 3838-2002)。"
    steps, sentence = told(table(nh3n="<0.2"))
    assert sentence.startswith("东桥 2024-06-01 不能判定水质类别:低于检出限的值跨越限值")
    assert "氨氮在 0 与 0.2 mg/L 之间(低于检出限),Ⅰ~Ⅴ类限值 0.15 / 0.5 / 1.0 / 1.5 / 2.0:Ⅰ类至Ⅱ类" in steps
    assert "没有有效项目" in told(table(cod=""))[1]


def test_a_mean_names_its_days_and_its_samples() -> None:
    two = pl.DataFrame({"site": ["东桥"] * 2, "date": ["2024-06-01", "2024-06-15"], "cod": [30.0, 31.0]})
    steps, sentence = told(two, period="month")
    assert sentence.startswith("东桥 2024-06-01~2024-06-30 水质类别为Ⅴ类,超Ⅲ类项目(倍数):化学需氧量(0.52)")
    assert "各项为 2 个样品的算术平均值" in steps


def test_a_verdict_that_came_back_as_json_is_explained_alike() -> None:
    row = judge_water(BAD).verdicts.row(0, named=True)
    back = json.loads(to_json(row))
    assert explain_water(back).sentence.say() == explain_water(row).sentence.say()


@pytest.mark.parametrize(
    ("columns", "options", "sentence"),
    [
        (
            {"nh3n": "9", "cod": "50", "执行级别": "一级A"},
            {"water_body": "effluent"},
            "东桥 2024-06-01 日均值疑似超过一级A标准(1A),超标项目(倍数):氨氮(0.12)(依据 GB 18918-2002)。",
        ),
        (
            {"cod": "50", "执行级别": "1A"},
            {"water_body": "effluent"},
            "东桥 2024-06-01 已测项目日均值达到一级A标准(1A,依据 GB 18918-2002)。",
        ),
        (
            {"nh3n": "6", "执行级别": "1A"},
            {"water_body": "effluent"},
            "东桥 2024-06-01 不能判定是否达到一级A标准(1A):括号内限值的适用水温待核,未开启,不能判定"
            "(依据 GB 18918-2002)。",
        ),
        (
            {"do": "1"},
            {"water_body": "urban"},
            "东桥 2024-06-01 水体判定为轻度黑臭(依据 城市黑臭水体整治工作指南(2015))。",
        ),
        (
            {"do": "1", "nh3n": "1"},
            {"water_body": "urban"},
            "东桥 2024-06-01 不能判定是否黑臭:各项指标级别不同,合成规则待核,未开启"
            "(依据 城市黑臭水体整治工作指南(2015))。",
        ),
    ],
)
def test_plants_and_black_water_have_their_sentences(
    columns: dict[str, str], options: dict[str, str], sentence: str
) -> None:
    assert told(table(**columns), **options)[1] == sentence
    assert told(table(**columns), "en", **options)[1]


def test_a_switched_on_bracket_is_explained_with_the_limit_that_was_used() -> None:
    frame = table(nh3n="6", 执行级别="1A").with_columns(pl.lit("10").alias("水温"))
    row = judge_water(frame, water_body="effluent", allow=frozenset({"gb_18918_2002#bracket"})).verdicts.row(
        0, named=True
    )
    found = explain_water(row)
    assert (row["class"], found.limit, found.status) == ("within", "8", "unconfirmed")


def test_what_is_no_verdict_of_water_is_refused() -> None:
    with pytest.raises(InputError, match="judge_water"):
        explain_water({"site": "A"})
    row = judge_water(BAD).verdicts.row(0, named=True) | {"edition": "GB 3838-1988"}
    with pytest.raises(InputError, match="GB 3838-2002"):
        explain_water(row)
