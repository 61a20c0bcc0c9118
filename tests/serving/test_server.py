"""The real command in a process of its own, and clients that behave well or badly."""

import io
import json
import signal
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse

import hostile_images
import numpy as np
import pytest
from cells import Cells
from PIL import Image
from predicting import objects_model, varied_model
from served import Server

import unetzoo

pytestmark = pytest.mark.long

CELLS = [Cells(1, seed)[0].image[..., 0] for seed in range(5)]
LONG = np.random.default_rng(0).integers(0, 256, (3000, 3000), np.uint8)  # by small tiles it takes many seconds
MOST_BYTES = 10**7
TIMEOUT = 3


def _png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=1)
    return file.getvalue()


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """One of objects with the default limits, and one of classes with a short queue, that start beside each other."""
    folder = tmp_path_factory.mktemp("servers")
    unetzoo.save(objects_model(CELLS[0]), folder / "objects")
    unetzoo.save(varied_model(), folder / "classes")
    limits = (
        "--queue",
        "1",
        "--timeout",
        str(TIMEOUT),
        "--max-bytes",
        str(MOST_BYTES),
        "--tile",
        "128",
        "--mirrors",
        "4",
    )
    both = [
        Server(folder / "objects", folder / "temporary-1"),
        Server(folder / "classes", folder / "temporary-2", *limits),
    ]
    yield both
    for server in both:
        server.process.kill()
        server.process.communicate()


@pytest.fixture
def server(servers):
    return servers[0]


@pytest.fixture
def short(servers):
    return servers[1]


@pytest.fixture(scope="module")
def expected(servers, tmp_path_factory):
    """The files that `unetzoo predict` makes of the cells."""
    folder = tmp_path_factory.mktemp("predicted")
    for number, pixels in enumerate(CELLS):
        (folder / f"{number}.png").write_bytes(_png(pixels))
    model = unetzoo.load(servers[0].temporary.parent / "objects")
    unetzoo.predict_files(model, folder, folder / "masks")
    return [(folder / "masks" / f"{number}.png").read_bytes() for number in range(len(CELLS))]


def test_many_clients_at_once_all_get_what_predict_writes(server, expected):
    files = server.metric("process_open_fds")
    before = server.metric('unetzoo_answers_total{status="200"}')
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda number: server.post(_png(CELLS[number % 5])), range(40)))
    assert [(status, content) for status, content, _ in answers] == [(200, expected[n % 5]) for n in range(40)]
    assert {headers["content-type"] for _, _, headers in answers} == {"image/png"}
    assert server.metric('unetzoo_answers_total{status="200"}') == before + 40
    assert server.metric("unetzoo_queue") == 0
    assert server.metric("process_open_fds") <= files + 1
    assert [*next(server.temporary.glob("unetzoo-serve-*")).iterdir()] == []


def test_a_form_gives_the_same_as_a_body(server, expected):
    head = '--limit\r\nContent-Disposition: form-data; name="image"; filename="../../etc/passwd"\r\n\r\n'
    form = head.encode() + _png(CELLS[1]) + b"\r\n--limit--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=limit"}
    assert server.post(form, **kind)[:2] == (200, expected[1])
    status, reason = server.error(form[:40], **kind)
    assert (status, "form" in reason) == (400, True)


def test_the_type_follows_the_header_accept(server):
    status, content, headers = server.request("POST", "/predict", _png(CELLS[0]), {"Accept": "application/json"})
    assert (status, headers["content-type"]) == (200, "application/json")
    assert json.loads(content)["size"] == [64, 64]
    assert server.error(_png(CELLS[0]), Accept="text/html")[0] == 406


def test_a_bomb_an_empty_body_and_a_text_are_one_error_each(server, tmp_path):
    hostile_images.write_png(tmp_path / "bomb.png")
    status, reason = server.error((tmp_path / "bomb.png").read_bytes())
    assert (status, reason.partition(" of pixels")[0]) == (400, "the image announces 20 GB")
    assert server.error(b"") == (
        400,
        "the request has no image: send the bytes of one as its body, or as a file of a form",
    )
    assert server.error(b"file:///etc/passwd")[0] == 415
    assert server.error(_png(CELLS[0]), "/predict?as=pdf")[0] == 400
    assert server.request("GET", "/predict")[0] == 405
    assert json.loads(server.request("GET", "/other")[1]) == {"error": "Not Found"}


def test_pages_of_other_sites_and_other_names_of_the_machine_are_refused(server):
    assert server.error(_png(CELLS[0]), **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert server.error(_png(CELLS[0]), Host="attacker.example")[0] == 403
    assert server.post(_png(CELLS[0]), Host="localhost:1234")[0] == 200


def test_a_body_that_is_too_large_is_refused_whether_its_length_is_said_or_not(short):
    body = bytes(MOST_BYTES + 1)
    said = (413, "the request has more than the 10,000,000 bytes that this server takes (--max-bytes)")
    assert short.error(body) == said
    assert short.error(iter([body[:MOST_BYTES], b"0"])) == said  # in chunks


def test_a_full_queue_and_a_late_result_are_said_and_the_server_goes_on(short):
    small, long = _png(CELLS[0]), _png(LONG)
    with ThreadPoolExecutor(2) as clients:
        late = [clients.submit(short.error, long) for _ in range(2)]
        short.await_metric("unetzoo_queue", 2)
        status, content, headers = short.post(small)
        assert (status, json.loads(content)["error"][:20]) == (503, "2 images are waiting")
        assert int(headers["retry-after"]) >= 1
        for answer in late:
            assert answer.result() == (504, f"the image was not predicted within {TIMEOUT} seconds (--timeout)")
    short.await_metric("unetzoo_queue", 0)
    assert short.post(small)[0] == 200


def test_the_work_for_a_client_that_is_killed_is_dropped(short):
    left = 'unetzoo_answers_total{status="499"}'
    before = short.metric(left)
    connection = short.begin(_png(LONG))
    short.await_metric("unetzoo_queue", 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, as of a kill
    connection.close()
    short.await_metric(left, before + 1)
    short.await_metric("unetzoo_queue", 0)
    assert short.post(_png(CELLS[0]))[0] == 200


def test_a_torn_body_and_a_slow_client_hold_up_nobody(short):
    body = _png(CELLS[0])
    left = 'unetzoo_answers_total{status="499"}'
    before = short.metric(left)
    short.begin(body[:100], len(body)).close()
    slow = short.begin(body[:100], len(body))
    assert short.post(body)[0] == 200
    short.await_metric(left, before + 1)
    response = HTTPResponse(slow)
    response.begin()
    assert response.status == 408
    assert json.loads(response.read())["error"] == f"the image did not arrive within {TIMEOUT} seconds (--timeout)"
    slow.close()


def test_the_end_waits_for_what_runs_and_leaves_no_file(tmp_path):
    unetzoo.save(varied_model(), tmp_path / "model")
    server = Server(tmp_path / "model", tmp_path / "temporary", "--tile", "128")
    with ThreadPoolExecutor(2) as clients:
        running = [clients.submit(server.post, _png(LONG[:600, :600]), "json") for _ in range(2)]
        server.await_metric("unetzoo_queue", 2)
        server.process.send_signal(signal.SIGTERM)
        assert [answer.result()[0] for answer in running] == [200, 200]
    code, said = server.end()
    assert (code, said) == (-signal.SIGTERM, "")
    assert [*server.temporary.iterdir()] == []
    with pytest.raises(ConnectionRefusedError):
        server.post(b"")
