from benchmarks.page.serve import serve_section
from benchmarks.serve import measure_serving
from unetzoo.bench.machine import machine


def test_a_server_and_predict_take_turns_and_agree():
    results = measure_serving(encoder="plain", size=48, requests=8, clients=4, rounds=2)
    assert results["wrong"] == 0
    assert results["requests"] == 8
    assert [len(results["seconds"][who]) for who in ("predict", "serve")] == [2, 2]
    assert min(results["memory"]) > 10**8


def test_the_section_says_the_share_of_predicts_throughput():
    results = {"size": 512, "requests": 200, "clients": 16, "encoder": "resnet18", "load": 1.5, "wrong": 0}
    results |= {"machine": machine(), "seconds": {"predict": [4.0, 4.0], "serve": [5.0, 5.0]}, "memory": [5e8, 6e8]}
    _, _, table, said = serve_section(results)
    assert table.splitlines()[2:] == [
        "| unetzoo predict | 25.0 |  |  |",
        "| unetzoo serve | 20.0 | 0.80 | 500 and 600 |",
    ]
    assert "byte for byte" in said
    assert "3 answers" in serve_section(results | {"wrong": 3})[-1]
