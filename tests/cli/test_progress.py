"""Progress: bars in a terminal, lines elsewhere."""

from unetzoo.cli.progress import progress
from unetzoo.cli.progress_lines import ProgressLines


def test_a_line_a_minute_says_what_is_done_and_the_time_left(capsys):
    now = 0.0
    lines = ProgressLines(clock=lambda: now)
    task = lines.add_task("step", total=1500)
    for step in range(1, 31):
        now += 10.0
        lines.update(task, completed=step)
    assert capsys.readouterr().err.splitlines() == [
        "step 6/1,500, 4.2 hours left",
        "step 12/1,500, 4.1 hours left",
        "step 18/1,500, 4.1 hours left",
        "step 24/1,500, 4.1 hours left",
        "step 30/1,500, 4.1 hours left",
    ]


def test_short_work_prints_nothing(capsys):
    now = 0.0
    lines = ProgressLines(clock=lambda: now)
    task = lines.add_task("predict", total=None)
    for _ in range(59):
        now += 1.0
        lines.update(task, advance=1)
    assert capsys.readouterr().err == ""


def test_work_of_unknown_length_is_counted(capsys):
    now = 0.0
    lines = ProgressLines(clock=lambda: now)
    task = lines.add_task("read", total=None)
    for _ in range(2):
        now += 40.0
        lines.update(task, advance=1)
    assert capsys.readouterr().err == "read 2\n"


def test_the_bars_of_a_terminal_stay_out_of_standard_output(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("{task.fields[loss]}") as bar:
        bar.add_task("U-Net", total=1, completed=1, loss="loss 0.500")
    output, errors = capsys.readouterr()
    assert output == ""
    assert "1/1" in errors
    assert "loss 0.500" in errors
