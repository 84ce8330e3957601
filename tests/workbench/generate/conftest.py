"""An OpenAI-compatible server of the tests' own, on loopback, that misbehaves when told to."""

import json
import math
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

WORDS = {11: " red", 12: " blue", 13: " green", 14: " grey", 15: " black", 16: " white"}
MODELS = {
    "data": [{"id": "small", "root": "/models/small", "owned_by": "vllm", "max_model_len": 512}]
}


PROBE_SEED = 2**63 - 1


def of_probe(asked):
    """Whether a request is one of those that find out what the server can do."""
    return asked.get("seed", PROBE_SEED) == PROBE_SEED and asked.get("max_tokens", 1) == 1


def completion(asked, kind="raw"):
    """What the server answers: a text, its tokens and the six likeliest at each place.

    Every field follows from the request, so a test can work out what should have arrived.
    """
    seed = asked.get("seed", 0)
    value = seed % 50
    text = f"We get {value}. The answer is \\boxed{{{value}}}."
    most = asked.get("max_tokens") or asked["max_completion_tokens"]
    words = text.split(" ")[:most]
    ended = len(words) < most  # the token that ends it counts
    ids = [1000 + len(word) for word in words] + [0] * ended
    logits = [2.0, 1.0, 0.5, 0.0, -1.0, -2.0]
    if kind == "processed":
        logits = [value / (asked["temperature"] or 1.0) for value in logits]
    total = math.log(sum(map(math.exp, logits)))
    top = {name: logit - total for name, logit in zip(WORDS, logits, strict=True)}
    own = [-0.1 - (seed >> i) % 7 / 10 for i in range(len(ids))]
    return " ".join(words), "stop" if ended else "length", ids, own, top


class Server(ThreadingHTTPServer):
    """Answers as vLLM would, unless ``misbehave`` says otherwise."""

    daemon_threads = True
    completion = staticmethod(completion)

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.asked, self.answered, self.keys = [], [], []
        self.misbehave = lambda handler, asked, nth: False
        self.nth = Counter()
        self.accepts = lambda asked: ""  # the reason to refuse a request, of the probe too
        self.refuses, self.logprobs_kind, self.version = (), "raw", "0.32.0"
        self.tells_logprobs = self.tells_ids = True
        self.seconds, self.busy, self.busiest = 0.0, 0, 0
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def drawn(self):
        """Seeds of the samples that were answered."""
        return [asked["seed"] for asked in self.answered if asked.get("seed") != PROBE_SEED]

    @property
    def asked_for_samples(self):
        return [asked for asked in self.asked if not of_probe(asked)]

    def handle_error(self, request, client_address):
        pass  # a client that went away

    def close(self):
        if self.thread.is_alive():
            self.shutdown()
            self.thread.join()
            self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, content, kind="application/json", **headers):
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        data = text.encode() if isinstance(text, str) else text
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def fault(self, status, message, **headers):
        self.reply(status, {"error": {"message": message, "code": status}}, **headers)
        return True

    def drop(self):
        """Break off in the middle of the body."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"choices": [{"text": "We g')
        self.wfile.flush()
        self.close_connection = True
        return True

    def do_GET(self):
        if self.path == "/v1/models":
            self.reply(200, MODELS)
        elif self.path == "/version" and self.server.version:
            self.reply(200, {"version": self.server.version})
        else:
            self.reply(404, "<html>not here</html>", "text/html")

    def do_POST(self):
        server = self.server
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.keys.append(self.headers["Authorization"])
            server.asked.append(asked)
            server.nth[asked.get("seed")] += 1
            nth = server.nth[asked.get("seed")]
            server.busy += 1
            server.busiest = max(server.busiest, server.busy)
        try:
            time.sleep(server.seconds)
            self.answer(asked, nth)
        finally:
            with server.lock:
                server.busy -= 1

    def answer(self, asked, nth):
        server = self.server
        if self.path not in ("/v1/completions", "/v1/chat/completions"):
            self.reply(404, "<html>not here</html>", "text/html")
            return
        if asked["model"] != "small":
            self.fault(404, f"The model `{asked['model']}` does not exist.")
            return
        if reason := server.accepts(asked):
            self.fault(400, reason)
            return
        unknown = [name for name in server.refuses if name in asked]
        if unknown:
            self.fault(400, f"Unrecognized request argument: {unknown[0]}")
            return
        if not of_probe(asked) and server.misbehave(self, asked, nth):
            return
        self.reply(200, self.whole(asked))
        with server.lock:
            server.answered.append(asked)

    def whole(self, asked):
        server = self.server
        text, reason, ids, own, top = completion(asked, server.logprobs_kind)
        choice = {"index": 0, "finish_reason": reason}
        names = [f"token_id:{i}" for i in ids]
        tops = {f"token_id:{i}": value for i, value in top.items()}
        if "prompt" in asked:
            choice["text"] = text
            told = {"tokens": names, "token_logprobs": own, "top_logprobs": [tops] * len(ids)}
        else:
            choice["message"] = {"role": "assistant", "content": text}
            listed = [{"token": name, "logprob": value} for name, value in tops.items()]
            told = {
                "content": [
                    {"token": name, "logprob": value, "top_logprobs": listed}
                    for name, value in zip(names, own, strict=True)
                ]
            }
        if server.tells_logprobs and asked.get("logprobs"):
            choice["logprobs"] = told
        if server.tells_ids:
            choice["token_ids"] = ids
        return {"choices": [choice], "usage": {"completion_tokens": len(ids)}}


@pytest.fixture
def server():
    """A server that behaves, until it is told not to."""
    made = Server()
    yield made
    made.close()


@pytest.fixture(scope="module")
def client_loaded(cli):
    """The client of servers is imported once for all command lines of a module."""
    cli.load("openai", "workbench.generate.openai", "workbench.generate.openai_probe")
