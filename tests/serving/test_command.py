import socket

import pytest
from predicting import varied_model

import unetzoo
from unetzoo import OptionError
from unetzoo.cli.serve import _say_start
from unetzoo.inference.files.options import PredictOptions
from unetzoo.serving.options import ServeOptions
from unetzoo.serving.serve import listening, predictors_of


def test_other_machines_get_in_only_with_a_warning(capsys):
    assert ServeOptions().host == "127.0.0.1"
    _say_start("http://127.0.0.1:8000/", True)
    assert "warning" not in capsys.readouterr().err
    _say_start("http://0.0.0.0:8000/", False)
    assert "there is no password" in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_clear_error():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OptionError, match=rf"port {port} of 127\.0\.0\.1: Address already in use; choose another"):
            listening(ServeOptions(port=port))


@pytest.mark.parametrize("limits", [{"queue": -1}, {"port": 70_000}, {"timeout": 0}, {"max_pixels": 0}])
def test_limits_out_of_their_range_are_refused(limits):
    (name,) = limits
    with pytest.raises(OptionError, match=f"{name} must be a"):
        ServeOptions(**limits)


def test_options_that_do_not_fit_the_network_are_refused_before_anything_listens():
    with pytest.raises(OptionError, match="there is no class 'cell'"):
        predictors_of(varied_model(), PredictOptions(threshold={"cell": 0.3}))


def test_there_is_a_predictor_for_the_device_that_is_asked_for():
    (predictor,) = predictors_of(varied_model(), PredictOptions(device="cpu", mirrors=4))
    assert predictor.options.mirrors == 4
    assert predictor.options.device == "cpu"


@pytest.mark.parametrize(
    "flag", ["--format", "--probabilities", "--overwrite", "--values", "--per-class", "--uncertainty"]
)
def test_flags_about_files_are_none_of_the_server(flag):
    from typer.testing import CliRunner

    from unetzoo.cli import app

    done = CliRunner().invoke(app, ["serve", "model", flag])
    assert done.exit_code == 2
    assert "No such option" in done.output


def test_a_folder_without_a_network_is_one_error(tmp_path):
    from typer.testing import CliRunner

    from unetzoo.cli import app

    done = CliRunner().invoke(app, ["serve", str(tmp_path)])
    assert done.exit_code == 2
    assert unetzoo.ConfigError.__name__ not in done.output
    assert "Traceback" not in done.output
