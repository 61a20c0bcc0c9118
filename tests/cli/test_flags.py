import pytest

from unetzoo.cli.flags import in_flags


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("there is a run already: resume=True (--resume) goes on", "there is a run already: --resume goes on"),
        ("classes=['background', 'cell'] (--classes background,cell)", "--classes background,cell"),
        ("masks='instances' (--masks instances)", "--masks instances"),
        ("nearest_color (--nearest-color) needs classes", "--nearest-color needs classes"),
        ("the stored values (--classes background=0)", "the stored values (--classes background=0)"),
        ("kept already (--overwrite makes them anew)", "kept already (--overwrite makes them anew)"),
        ("(unetzoo.list_encoders() shows all 1,373)", "(unetzoo list encoders shows all 1,373)"),
        ("(unetzoo.list_encoders('timm:*') shows all 9)", "(unetzoo list encoders 'timm:*' shows all 9)"),
        ("learning_rate must be > 0", "--learning-rate must be > 0"),
        ("masks hold NaN", "masks hold NaN"),
        ("other must be > 0", "other must be > 0"),
        ("use batch=32, or crop=192; minibatch=4", "use --batch 32, or --crop 192; minibatch=4"),
        ("resume=True continues; masks='instances'", "--resume continues; --masks instances"),
        ("raise batch or crop; x=1", "raise batch or crop; x=1"),
        ("create it with batch=2", "create it with batch=2"),
        ("--set takes key=value, such as training.batch=4", "--set takes key=value, such as training.batch=4"),
        ("cannot reach https://hub/api?x=cell&batch=2", "cannot reach https://hub/api?x=cell&batch=2"),
    ],
)
def test_a_message_names_flags_and_commands_in_place_of_options_and_functions_of_python(message, shown):
    names = ("learning_rate", "masks", "batch", "crop", "resume")
    assert in_flags(message, {name: f"--{name.replace('_', '-')}" for name in names}) == shown


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("info", "unet", "--encoder", "resnet43"),
            r"error: no encoder named 'resnet43'; did you mean .*\(unetzoo list encoders shows all [0-9,]+\)\n",
        ),
        (("info", "unet", "--encoder", "plain", "--classes", "0"), r"error: --classes must be .*\n"),
    ],
)
def test_an_error_of_a_command_names_nothing_of_python(invoke, arguments, error):
    import re

    assert re.fullmatch(error, invoke(*arguments).stderr)
