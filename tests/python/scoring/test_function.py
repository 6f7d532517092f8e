from __future__ import annotations

import gc
import hashlib
import threading
import weakref

import duckdb
import numpy as np
import pytest

from holdfast.contract import ModelFile
from holdfast.contract import model_id as id_of
from holdfast.errors import HoldfastError
from holdfast.scoring import OnnxModel, _function, register
from scoring_models import fit_trees, linear_model, store, tree_model


@pytest.fixture
def connection():
    with duckdb.connect() as con:
        register(con)
        store(con, "models", linear_model([0.5, -1.0]), "m1")
        yield con


def score(con, sql, **parameters):
    return con.execute(f"select {sql}", parameters or None).fetchall()


def linear(*x):
    """The probability that the model of the fixture gives."""
    log_odds = -0.25 + float(np.dot(x, [0.5, -1.0]))
    return pytest.approx(1 / (1 + np.exp(-log_odds)), abs=1e-6)


def test_predict_gives_the_probability(connection):
    assert score(connection, "holdfast_predict('models', 'm1', 2.0, 1.0)") == [(linear(2, 1),)]


def test_contributions_give_one_number_per_feature_in_order(connection):
    result = score(connection, "holdfast_contributions('models', 'm1', 2.0, 3.0)")
    assert result == [([1.0, -3.0],)]


def test_result_types_are_float_and_list_of_float(connection):
    types = score(
        connection,
        "typeof(holdfast_predict('models', 'm1', 1, 1)),"
        " typeof(holdfast_contributions('models', 'm1', 1, 1))",
    )
    assert types == [("FLOAT", "FLOAT[]")]


@pytest.mark.parametrize(
    "value",
    [
        "3::tinyint",
        "3::utinyint",
        "3::smallint",
        "3::integer",
        "3::ubigint",
        "3::hugeint",
        "3::uhugeint",
        "3::float",
        "3::double",
        "3.00::decimal(4, 2)",
        "3::decimal(18, 3)",
        "3::decimal(38, 10)",
    ],
)
def test_every_numeric_type_is_a_feature(connection, value):
    connection.execute(f"create table x as select {value} as a, 1 as b from range(3)")
    rows = score(connection, "holdfast_predict('models', 'm1', a, b) from x")
    assert rows == [(linear(3, 1),)] * 3


@pytest.mark.parametrize("type_name", ["integer", "double", "boolean", "decimal(9, 2)", "hugeint"])
def test_null_of_any_type_is_missing_and_still_scored(connection, type_name):
    connection.execute(
        f"create table x as select case when i % 2 = 0 then 1::{type_name} end as a, 1 as b"
        " from range(4) t(i)"
    )
    rows = score(connection, "holdfast_predict('models', 'm1', a, b) from x")
    assert rows == [(linear(1, 1),), (linear(0, 1),)] * 2


def test_untyped_null_is_missing(connection):
    assert score(connection, "holdfast_predict('models', 'm1', null, null)") == [(linear(0, 0),)]


def test_booleans_are_one_and_zero(connection):
    result = score(connection, "holdfast_predict('models', 'm1', true, false)")
    assert result == [(linear(1, 0),)]


def test_value_beyond_float32_becomes_infinite(connection):
    rows = score(connection, "holdfast_predict('models', 'm1', 1e300, 0) from range(2)")
    assert rows == [(1.0,)] * 2
    rows = score(connection, "holdfast_predict('models', 'm1', -1e300, 0)")
    assert rows == [(0.0,)]


def test_no_rows_give_no_rows(connection):
    for function in ("holdfast_predict", "holdfast_contributions"):
        sql = f"{function}('models', 'm1', i, i) from range(10) t(i) where i > 10"
        assert score(connection, sql) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_many_chunks_keep_their_rows_in_trees_and_lines(connection, threads):
    connection.execute(f"set threads = {threads}")
    classifier, _ = fit_trees(width=2, rows=1000, max_iter=3)
    store(connection, "models", tree_model(classifier), "trees")
    connection.execute("create table x(i bigint, a float, b float)")
    connection.execute(
        "insert into x select i, case when i % 7 > 0 then sin(i) end, cos(i * 3)"
        " from range(250000) t(i)"
    )
    for model_id in ("m1", "trees"):
        blob = connection.execute("select onnx from models where model_id = ?", [model_id])
        model = OnnxModel.from_bytes(blob.fetchone()[0])
        columns = connection.execute(
            "select a, b, holdfast_predict('models', $m, a, b) as p,"
            " (holdfast_contributions('models', $m, a, b))[2] as c from x order by i",
            {"m": model_id},
        ).fetchnumpy()
        features = np.stack([np.ma.filled(columns[name], np.nan) for name in "ab"], axis=1)
        np.testing.assert_array_equal(columns["p"], model.predict(features))
        np.testing.assert_array_equal(columns["c"], model.contributions(features)[:, 1])


def test_several_connections_score_at_once(connection):
    failures = []

    def run():
        with connection.cursor() as cursor:
            (total,) = cursor.execute(
                "select count(holdfast_predict('models', 'm1', i, 1)) from range(30000) t(i)"
            ).fetchone()
            if total != 30000:
                failures.append(total)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_model_is_read_once(connection, monkeypatch):
    monkeypatch.setattr(_function, "_TRUSTED_FOR", 3600)
    score(connection, "holdfast_predict('models', 'm1', 1, 1)")
    connection.execute("drop table models")
    assert score(connection, "holdfast_predict('models', 'm1', 1, 1)") == [(linear(1, 1),)]


def test_cache_forgets_the_model_used_longest_ago(connection, monkeypatch):
    monkeypatch.setattr(_function, "_CACHED_MODELS", 2)
    monkeypatch.setattr(_function, "_TRUSTED_FOR", 3600)
    for number in (2, 3):
        store(connection, "models", linear_model([1.0, 1.0]), f"m{number}")
    for used in ("m1", "m2", "m1", "m3"):
        score(connection, f"holdfast_predict('models', '{used}', 1, 1)")
    connection.execute("drop table models")
    for kept in ("m1", "m3"):
        score(connection, f"holdfast_predict('models', '{kept}', 1, 1)")
    with pytest.raises(duckdb.InvalidInputException, match="cannot be read"):
        score(connection, "holdfast_predict('models', 'm2', 1, 1)")


def test_row_that_is_altered_after_it_was_read_is_read_again(connection, monkeypatch):
    monkeypatch.setattr(_function, "_TRUSTED_FOR", 0)
    call = "holdfast_predict('models', 'm1', 1, 1)"
    assert score(connection, call) == [(linear(1, 1),)]
    other = linear_model([2.0, 0.0]).SerializeToString()
    connection.execute("update models set onnx = ?", [other])
    assert "SHA-256" in refusal(connection, call)
    connection.execute("update models set onnx_sha256 = sha256(onnx)")
    assert score(connection, call) == [(pytest.approx(1 / (1 + np.exp(-1.75))),)]
    connection.execute("drop table models")
    assert "cannot be read" in refusal(connection, call)


def test_row_that_stays_keeps_its_model(connection, monkeypatch):
    monkeypatch.setattr(_function, "_TRUSTED_FOR", 0)
    score(connection, "holdfast_predict('models', 'm1', 1, 1)")
    read = next(s for s in reversed(_function._SCORERS) if ("models", "m1") in s._models)
    model = read._models["models", "m1"].model
    score(connection, "holdfast_predict('models', 'm1', 2, 2)")
    assert read._models["models", "m1"].model is model


# --- names of the table ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("plain_1", "plain_1"),
        ("plain_1", '"plain_1"'),
        ("plain_1", "main.plain_1"),
        ("plain_1", '"memory"."main"."plain_1"'),
        ("plain_1", "memory.main.plain_1"),
        ('"we""ird"', '"we""ird"'),
        ('"we""ird"', 'main."we""ird"'),
        ('"a.b c;--"', '"a.b c;--"'),
        ('"Größe"', '"Größe"'),
        ('"select"', "select"),
        ('"odd schema"."select"', '"odd schema"."select"'),
    ],
)
def test_table_is_found_by_its_name(connection, table, named):
    connection.execute('create schema "odd schema"')
    store(connection, table, linear_model([0.5, -1.0]))
    sql = "holdfast_predict($registry, 'm1', 1, 2)"
    assert score(connection, sql, registry=named) == [(linear(1, 2),)]


def test_table_of_an_attached_database_is_found(connection, tmp_path):
    connection.execute(f"attach '{tmp_path / 'w.duckdb'}' as \"ware house\"")
    store(connection, '"ware house"."main"."m"', linear_model([0.5, -1.0]))
    result = score(connection, "holdfast_predict('\"ware house\".main.m', 'm1', 1, 2)")
    assert result == [(linear(1, 2),)]


@pytest.mark.parametrize(
    "registry",
    [
        "",
        " ",
        "models; drop table models",
        "models where true --",
        "(select * from models)",
        "read_parquet('x')",
        "a.b.c.d",
        "a..b",
        ".models",
        "models.",
        '"models',
        'models"',
        '"mod"els"',
        '""',
        '"a""',
        "models\n",
        " models",
        "mod els",
        "'models'",
        "1models",
        "models--",
        "models, models",
    ],
)
def test_anything_but_a_table_name_is_refused(connection, registry):
    with pytest.raises(duckdb.InvalidInputException, match="must name a table"):
        score(connection, "holdfast_predict($registry, 'm1', 1, 2)", registry=registry)
    assert score(connection, "count(*) from models") == [(1,)]


def test_model_id_is_data_not_sql(connection):
    with pytest.raises(duckdb.InvalidInputException, match="holds no model with the id"):
        score(connection, "holdfast_predict('models', $id, 1, 2)", id="' or 1=1 --")


# --- refusals -------------------------------------------------------------------------------


def refusal(con, sql):
    with pytest.raises(duckdb.InvalidInputException) as caught:
        score(con, sql)
    return str(caught.value)


def test_flipped_byte_is_refused(connection):
    blob = bytearray(linear_model([0.5, -1.0]).SerializeToString())
    sha256 = hashlib.sha256(blob).hexdigest()
    blob[len(blob) // 2] ^= 4
    connection.execute("insert into models values ('bad', ?, ?)", [bytes(blob), sha256])
    message = refusal(connection, "holdfast_predict('models', 'bad', 1, 2)")
    assert "ModelError: Model 'bad' of \"models\": " in message
    assert "SHA-256" in message
    assert "retrain" in message


def test_unknown_model_id_is_refused(connection):
    message = refusal(connection, "holdfast_predict('models', 'm9', 1, 2)")
    assert "\"models\" holds no model with the id 'm9'" in message


def test_two_different_models_of_one_id_are_refused(connection):
    store(connection, "models", linear_model([0.5, 1.0]), "m1")
    message = refusal(connection, "holdfast_predict('models', 'm1', 1, 2)")
    assert "2 different models" in message


@pytest.mark.parametrize(("column", "word"), [("onnx", "bytes"), ("onnx_sha256", "SHA-256")])
def test_row_without_bytes_or_hash_is_refused(connection, column, word):
    connection.execute(f"update models set {column} = null")
    assert f"has no {word} for" in refusal(connection, "holdfast_predict('models', 'm1', 1, 2)")


def test_missing_table_is_refused(connection):
    message = refusal(connection, "holdfast_predict('main.nothing', 'm1', 1, 2)")
    assert 'The table of models "main"."nothing" cannot be read: Catalog Error' in message


def test_table_without_the_columns_is_refused(connection):
    connection.execute("create table other as select 1 as i")
    message = refusal(connection, "holdfast_predict('other', 'm1', 1, 2)")
    assert 'The table of models "other" cannot be read: Binder Error' in message


@pytest.mark.parametrize("features", ["", ", 1", ", 1, 2, 3"])
def test_another_number_of_features_is_refused_with_the_names(connection, features):
    message = refusal(connection, f"holdfast_predict('models', 'm1'{features})")
    given = features.count(",")
    assert f"takes 2 features, got {given}. Pass them in this order: f0, f1." in message


def test_missing_model_id_argument_is_refused(connection):
    message = refusal(connection, "holdfast_predict('models')")
    assert "take the table of models, a model id and the features" in message


@pytest.mark.parametrize("value", ["'gold'", "date '2026-01-01'", "[1.0]", "'a'::enum_of_a"])
def test_feature_that_is_no_number_is_refused_by_position_and_name(connection, value):
    connection.execute("create type enum_of_a as enum ('a')")
    message = refusal(connection, f"holdfast_predict('models', 'm1', 1, {value})")
    assert "Feature 2, `f1`, is of type" in message
    assert "must be a number" in message


@pytest.mark.parametrize(
    ("arguments", "named"), [("null, 'm1'", "registry"), ("'models', null", "model_id")]
)
def test_null_registry_or_model_is_refused(connection, arguments, named):
    message = refusal(connection, f"holdfast_predict({arguments}, 1, 2)")
    assert f"The argument {named} is NULL" in message


def test_null_model_id_within_the_rows_is_refused(connection):
    sql = "holdfast_predict('models', case when i < 5 then 'm1' end, 1, 2) from range(9) t(i)"
    assert "The argument model_id is NULL" in refusal(connection, sql)


def test_model_that_differs_between_rows_is_refused(connection):
    sql = (
        "holdfast_predict('models', case when i = 1000 then 'm2' else 'm1' end, 1, 2)"
        " from range(2000) t(i)"
    )
    assert "model_id differs between rows" in refusal(connection, sql)


def test_model_id_that_is_no_text_is_refused(connection):
    message = refusal(connection, "holdfast_predict('models', 7, 1, 2)")
    assert "model_id must be text" in message


def test_message_comes_before_any_traceback(connection):
    lines = refusal(connection, "holdfast_predict('models', 'm1', 1)").splitlines()
    assert "HoldfastError: The model takes 2 features" in lines[0]


# --- registering ----------------------------------------------------------------------------


def test_registering_again_is_harmless(connection):
    register(connection)
    with connection.cursor() as cursor:
        register(cursor)
        register(cursor)
    assert score(connection, "holdfast_predict('models', 'm1', 1, 1)") == [(linear(1, 1),)]


def test_registering_leaves_an_open_transaction_usable(connection):
    connection.begin()
    connection.execute("create table t as select 1 as i")
    register(connection)
    connection.commit()
    assert score(connection, "i from t") == [(1,)]


def test_cursor_has_the_functions(connection):
    with connection.cursor() as cursor:
        result = cursor.execute("select holdfast_predict('models', 'm1', 1, 1)").fetchall()
    assert result == [(linear(1, 1),)]


def test_connection_can_be_closed_and_its_file_opened_again(tmp_path):
    path = str(tmp_path / "shop.duckdb")
    for _ in range(2):
        with duckdb.connect(path) as con:
            register(con)
            store(con, "models", linear_model([0.5, -1.0]))
            assert score(con, "holdfast_predict('models', 'm1', 1, 1)") == [(linear(1, 1),)]


def test_registering_does_not_keep_the_database_open(tmp_path):
    path = str(tmp_path / "shop.duckdb")
    con = duckdb.connect(path)
    register(con)
    reference = weakref.ref(con)
    del con
    gc.collect()
    assert reference() is None
    # Refused by DuckDB while the same file is open with another configuration.
    duckdb.connect(path, read_only=True).close()


def test_models_are_let_go_with_the_last_connection():
    con = duckdb.connect()
    register(con)
    store(con, "models", linear_model([0.5, -1.0]))
    score(con, "holdfast_predict('models', 'm1', 1, 1)")
    scorer = _function._SCORERS[-1]
    assert len(scorer._models) == 1
    con.close()
    del con
    gc.collect()
    assert len(scorer._models) == 0


def test_second_connection_takes_over_when_the_first_is_closed(tmp_path):
    path = str(tmp_path / "shop.duckdb")
    first = duckdb.connect(path)
    register(first)
    second = duckdb.connect(path)
    register(second)
    store(second, "models", linear_model([0.5, -1.0]))
    first.close()
    assert score(second, "holdfast_predict('models', 'm1', 1, 1)") == [(linear(1, 1),)]
    second.close()


def test_function_whose_connections_are_closed_says_so(tmp_path):
    path = str(tmp_path / "shop.duckdb")
    first, second = duckdb.connect(path), duckdb.connect(path)
    register(first)
    store(second, "models", linear_model([0.5, -1.0]))
    first.close()
    message = refusal(second, "holdfast_predict('models', 'm1', 1, 1)")
    assert "is closed. Keep it open" in message
    register(second)
    assert score(second, "holdfast_predict('models', 'm1', 1, 1)") == [(linear(1, 1),)]
    second.close()


def test_function_of_somebody_else_is_not_taken_for_ours():
    with duckdb.connect() as con:
        con.create_function("holdfast_predict", lambda a, b: 1.0, ["VARCHAR", "VARCHAR"], "FLOAT")
        with pytest.raises(HoldfastError, match="did not register"):
            register(con)


def test_the_word_that_joins_connections_is_no_way_in(connection):
    assert score(connection, "holdfast_predict('holdfast:join', 'x', 1, 1)") == [(0.0,)]
    result = score(connection, "holdfast_predict('models', 'm1', 1, 1)")
    assert result == [(linear(1, 1),)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("feature_names = list_reverse(feature_names)", "the same features in another order"),
        ("feature_names = feature_names[:1]", "names 1 features, the file 2"),
        ("task = 'return'", "the row's task is 'return'"),
        ('parameters = \'{"target": "regression"}\'', "the row's target is 'regression'"),
        (
            "onnx = other.onnx, onnx_sha256 = other.onnx_sha256"
            " from (from registry where id = 'other') as other",
            "the file is that of the model",
        ),
    ],
)
def test_a_row_of_the_registry_that_is_not_its_files_is_refused(connection, change, told):
    connection.execute(
        "create table registry (id varchar, model_id varchar, task varchar, algorithm varchar,"
        " feature_names varchar[], parameters varchar, onnx blob, onnx_sha256 varchar)"
    )
    for name, weights in (("own", [0.5, 1.0]), ("other", [1.0, 0.5])):
        blob = linear_model(weights).SerializeToString()
        header = ModelFile.from_bytes(blob).header
        connection.execute(
            "insert into registry select ?, ?, ?, ?, ?, '{}', ?, sha256(?)",
            [name, id_of(header.task, header.algorithm, blob), header.task, header.algorithm,
             list(header.feature_names), blob, blob],
        )  # fmt: skip
    (own,) = connection.execute("select model_id from registry where id = 'own'").fetchone()
    call = f"holdfast_predict('registry', '{own}', 1, 2)"
    change, _, source = change.partition(" from ")
    source = f" from {source}" if source else ""
    connection.execute(f"update registry set {change}{source} where registry.id = 'own'")
    message = refusal(connection, call)
    assert f"The row '{own}' of \"registry\" and its file do not belong together" in message
    assert told in message
