import json


def test_a_grid_of_which_all_runs_fail_says_so_by_its_exit_code_and_has_no_charts(invoke, tmp_path):
    out = str(tmp_path / "results")
    file = tmp_path / "runs.json"
    options = ("--decoders", "unet", "--data", str(tmp_path / "nowhere"), "--out", out, "--json", str(file))
    result = invoke("bench", "grid", *options)
    assert result.exit_code == 4
    (run,) = json.loads(file.read_text(encoding="utf-8"))["runs"]
    assert run["combination"]["decoder"] == "unet"
    assert "there is no" in run["error"]
    assert "there is no" in result.stderr
    assert result.stdout.startswith(f"1 run in {out}, 1 of which failed")
    assert invoke("bench", "report", out).exit_code == 0
    page = (tmp_path / "results" / "index.html").read_text(encoding="utf-8")
    assert "1 run, all of which failed." in page
    assert 'class="chart"' not in page
