from __future__ import annotations

import duckdb
import pytest

from holdfast.errors import HoldfastError
from holdfast.scoring import score_file
from scoring_models import linear_model, store

ROWS = "select i::varchar as id, case when i % 3 > 0 then i / 100.0 end as f1, i % 7 as F0"


@pytest.fixture
def warehouse(tmp_path):
    path = tmp_path / "w.duckdb"
    with duckdb.connect(str(path)) as connection:
        store(connection, "models", linear_model([0.5, -1.0]), "m1")
        connection.execute("alter table models add column feature_names varchar[]")
        connection.execute("update models set feature_names = ['f0', 'f1']")
    return path


@pytest.fixture
def connection(warehouse):
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        yield connection


def write(path, sql):
    duckdb.execute(f"copy ({sql}) to '{path}'")
    return path


def files(folder):
    return sorted(path.name for path in folder.iterdir() if "duckdb" not in path.name)


@pytest.mark.parametrize("source", ["in put'[1]*.parquet", "in.csv"])
@pytest.mark.parametrize("output", ["out's.parquet", "out.csv"])
def test_all_rows_and_columns_are_kept_and_scored(connection, tmp_path, source, output):
    if source == "in.csv":
        path = write(tmp_path / source, f"{ROWS} from range(5000) as t (i)")
    else:
        path = write(tmp_path / "plain.parquet", f"{ROWS} from range(5000) as t (i)")
        path = path.rename(tmp_path / source)
    count = score_file(connection, "models", "m1", path, tmp_path / output)
    assert count == 5000
    result = tmp_path / "result.parquet" if output.endswith("parquet") else tmp_path / output
    (tmp_path / output).rename(result)
    rows = duckdb.sql(f"select * from '{result}'")
    assert rows.columns == ["id", "f1", "F0", "model_id", "churn_probability"]
    ((wrong, ids),) = duckdb.sql(
        f"""
        select
            count(*) filter (where abs(churn_probability - 1 / (1 + exp(0.25 - 0.5 *
                cast(F0 as double) + coalesce(cast(f1 as double), 0)))) > 1e-6
                or model_id <> 'm1'),
            count(distinct id)
        from '{result}'
        """
    ).fetchall()
    assert (wrong, ids) == (0, 5000)


def test_ids_of_a_csv_stay_as_written(connection, tmp_path):
    (tmp_path / "in.csv").write_text("id,f0,f1\n007,1,\n1e3,2,0.5\n", encoding="utf-8")
    score_file(connection, "models", "m1", tmp_path / "in.csv", tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["id", "007", "1e3"]


def test_no_rows_give_a_file_without_rows(connection, tmp_path):
    path = write(tmp_path / "in.parquet", f"{ROWS} from range(0) as t (i)")
    assert score_file(connection, "models", "m1", path, tmp_path / "out.parquet") == 0
    assert duckdb.sql(f"select * from '{tmp_path / 'out.parquet'}'").fetchall() == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("select 1 as id, 2 as f0", "lacks features of the model: f1"),
        ("select 1 as id", "lacks features of the model: f0, f1"),
        ("select 1 as f0, '2' as f1", r"must be numbers or booleans: f1 \(varchar\)"),
        ("select 1 as f0, 2 as f1, 3 as Model_ID", "has a column model_id already"),
        ("select 1 as f0, 2 as f1, 3 as churn_probability", "a column churn_probability already"),
        ("select 'inf'::float as f0, 'inf'::float as f1", "infinite f0, f1"),
    ],
)
def test_bad_rows_are_refused_and_nothing_is_left(connection, tmp_path, rows, message):
    path = write(tmp_path / "in.parquet", rows)
    (tmp_path / "out.parquet").write_text("former")
    with pytest.raises(HoldfastError, match=message) as refusal:
        score_file(connection, "models", "m1", path, tmp_path / "out.parquet", overwrite=True)
    assert "\n" not in str(refusal.value)
    assert files(tmp_path) == ["in.parquet", "out.parquet"]
    assert (tmp_path / "out.parquet").read_text() == "former"


def test_text_in_a_feature_of_a_csv_is_refused(connection, tmp_path):
    (tmp_path / "in.csv").write_text("id,f0,f1\n1,1,many\n", encoding="utf-8")
    with pytest.raises(HoldfastError, match="many"):
        score_file(connection, "models", "m1", tmp_path / "in.csv", tmp_path / "out.csv")
    assert files(tmp_path) == ["in.csv"]


def test_files_that_cannot_be_read_or_written_are_refused(connection, tmp_path):
    path = write(tmp_path / "in.parquet", f"{ROWS} from range(3) as t (i)")
    (tmp_path / "there.csv").write_text("former")
    (tmp_path / "bad.parquet").write_text("no parquet")
    (tmp_path / "link.parquet").symlink_to(path)
    (tmp_path / "folder.csv").mkdir()
    for source, output, message in (
        ("none.parquet", "out.csv", "there is no file"),
        ("in.parquet", "out.xlsx", "must end in"),
        ("in.parquet", "no/out.csv", "there is no folder"),
        ("in.parquet", "folder.csv", "is a folder"),
        ("in.parquet", "there.csv", "--overwrite"),
        ("in.parquet", "link.parquet", "would replace the input"),
        ("bad.parquet", "out.csv", "cannot be scored"),
    ):
        with pytest.raises(HoldfastError, match=message):
            score_file(connection, "models", "m1", tmp_path / source, tmp_path / output)
    with pytest.raises(HoldfastError, match="has no model 'm2'"):
        score_file(connection, "models", "m2", path, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
    assert (tmp_path / "there.csv").read_text() == "former"
