"""Training learns, reads no test row, and goes on after a stop as if there had been none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from dlcourse.checkpoints import CheckpointMismatchError
from dlcourse.sequences.long_horizon import evaluate_long_horizon, prepare_long_horizon
from dlcourse.sequences.long_horizon_training import TrainingSettings, forecast_loss, score_and_write, train_forecaster
from dlcourse.sequences.segment_forecaster import (
    ForecasterSettings,
    SegmentForecaster,
    forecaster_from_arrays,
    predictor,
    start_from_least_squares,
)

SIZES = ForecasterSettings(horizon=24, segment=48, units=8, hidden=16, rank=1)
SETTINGS = TrainingSettings(steps=12, batch_size=8, check_every=4, validation_stride=8, averaging=0.5)


def make_data(seed: int = 0, rows: int = 1600):
    """A bounded rhythm with a kink: what a linear map cannot follow."""
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * np.arange(rows) / 144
    columns = {"a": np.maximum(np.sin(phase), 0) ** 2, "b": np.abs(np.cos(phase / 2))}
    table = pd.DataFrame(columns, pd.date_range("2020-03-01", periods=rows, freq="10min"))
    return prepare_long_horizon(table + 0.02 * rng.normal(size=table.shape))


@pytest.fixture(scope="module")
def whole_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def whole(whole_folder):
    """An uninterrupted run."""
    return train_forecaster(make_data(), SETTINGS, SIZES, whole_folder)


def test_the_loss_is_keras_s_mixture_of_two():
    rng = np.random.default_rng(0)
    actual, made = rng.normal(size=(2, 5, 24, 3)).astype(np.float32)
    # A horizon that is none of the published ones weighs every step the same.
    for share in (0.0, 0.3, 1.0):
        mae, mse = tf.keras.losses.MeanAbsoluteError(), tf.keras.losses.MeanSquaredError()
        expected = share * float(mae(actual, made)) + (1 - share) * float(mse(actual, made))
        assert float(forecast_loss(tf.constant(actual), tf.constant(made), share)) == pytest.approx(expected, rel=1e-5)


def test_training_beats_its_linear_start():
    # Nine tenths: three seeds gave 0.73 to 0.80; without training it stays at 1.
    data = make_data()
    start = SegmentForecaster(2, SIZES)
    start_from_least_squares(start, data)
    trained = train_forecaster(
        data, TrainingSettings(steps=80, batch_size=16, check_every=80, learning_rate=0.01, averaging=0.9), SIZES
    )
    before, after = (
        evaluate_long_horizon(predictor(model, data), data, "test", (24,), 4).loc[24, "MSE"]
        for model in (start, trained.model)
    )
    assert after < 0.9 * before


def test_a_stopped_run_goes_on_and_ends_where_an_uninterrupted_one_does(whole, tmp_path):
    data = make_data()
    parts = [train_forecaster(data, SETTINGS, SIZES, tmp_path, minutes) for minutes in (0, None)]
    assert [part.finished for part in parts] == [False, True]
    assert [len(part.curve) for part in parts] == [1, 3]
    columns = ["step", "loss", "validation_MSE", "validation_MAE"]
    np.testing.assert_allclose(parts[-1].curve[columns], whole.curve[columns], atol=1e-6)
    for ours, theirs in zip(parts[-1].model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_how_often_it_is_validated_does_not_disturb_the_training(whole):
    once = train_forecaster(make_data(), replace(SETTINGS, check_every=12), SIZES)
    assert once.curve["loss"].item() == pytest.approx(whole.curve["loss"].mean(), abs=1e-6)
    assert once.curve["validation_MSE"].item() == pytest.approx(whole.curve["validation_MSE"].iloc[-1], abs=1e-6)


def test_the_test_part_is_never_read(whole):
    data = make_data()
    data.filled[data.validation_end :] = 1e6
    data.values[data.validation_end :] = 1e6
    again = train_forecaster(data, SETTINGS, SIZES)
    for ours, theirs in zip(again.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_is_kept_is_the_best_by_validation(whole):
    data = make_data()
    errors = evaluate_long_horizon(predictor(whole.model, data), data, "validation", (24,), 8).loc["mean"]
    best = (whole.curve["validation_MSE"] + whole.curve["validation_MAE"]).min()
    assert errors["MSE"] + errors["MAE"] == pytest.approx(best, abs=1e-6)


def test_the_written_weights_score_what_the_written_table_says(whole, tmp_path):
    data = make_data()
    result = score_and_write(whole, data, tmp_path)
    with np.load(tmp_path / "weather_lstm.npz") as stored:
        model = forecaster_from_arrays(dict(stored))
    again = evaluate_long_horizon(predictor(model, data), data, "test", (24,))
    assert again.loc[24, "MSE"] == pytest.approx(result.loc[24, "MSE"], abs=1e-6)
    written = pd.read_csv(tmp_path / "weather_lstm_result.csv").set_index("horizon")
    assert written.loc["mean", "MAE"] == pytest.approx(result.loc["mean", "MAE"], abs=1e-4)
    assert list(pd.read_csv(tmp_path / "weather_lstm_curve.csv")["step"]) == [4, 8, 12]


def test_other_settings_do_not_go_on_from_a_checkpoint(whole_folder, whole):
    with pytest.raises(CheckpointMismatchError, match="seed was 0, now 1"):
        train_forecaster(make_data(), replace(SETTINGS, seed=1), SIZES, whole_folder)


def test_a_loss_that_is_no_number_stops_the_training():
    with pytest.raises(FloatingPointError, match="smaller learning rate"):
        train_forecaster(make_data(), TrainingSettings(steps=6, learning_rate=1e30, check_every=6), SIZES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps=0"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"absolute_share": 1.5}, "absolute_share=1.5"),
        ({"averaging": 1.0}, "averaging=1.0"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_a_bad_setting_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        TrainingSettings(**wrong)
