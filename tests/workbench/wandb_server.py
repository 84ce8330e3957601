"""A small W&B server on 127.0.0.1: as much of the protocol as a workbench run uses.

GraphQL for runs, artifacts, sweeps and views, the file stream, and uploads. Whatever arrives is
kept, for tests to look at. What it does not know is answered by an error and noted in ``unknown``.
"""

import gzip
import itertools
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "0123456789abcdef" * 2 + "01234567"
ENTITY = "lab"
WHEN = "2026-01-01T00:00:00Z"


class Listener(ThreadingHTTPServer):
    """Takes many connections at once, as wandb opens one for each table and file."""

    request_queue_size = 128
    daemon_threads = True
    block_on_close = False


class Server:
    """What has arrived, and what to answer."""

    def __init__(self):
        self.lock = threading.RLock()
        self.runs = {}  # name -> {"config", "summary", "history", "files", ...}
        self.artifacts = {}  # id -> {"name", "type", "metadata", "run", "entries", ...}
        self.used = []  # (run, artifact id)
        self.views = []  # variables of every upsertView
        self.stored = {}  # path -> bytes
        self.operations = []
        self.unknown = []
        self.sweep = None  # {"config": YAML text, "commands": [...]}
        self.trouble = None  # a function (handler, operation or path) -> whether it answered
        self.numbers = itertools.count(1)
        handler = type("Handler", (Handler,), {"server_of_tests": self})
        self.http = Listener(("127.0.0.1", 0), handler)
        self.http.handle_error = lambda request, address: None  # a client that hung up
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join(timeout=10)

    @property
    def env(self):
        """What a process needs in its environment in order to talk to it, and to nothing else."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": KEY, "WANDB_ERROR_REPORTING": "false"}

    def run(self, name):
        return self.runs.setdefault(
            name, {"name": name, "config": {}, "summary": {}, "history": {}, "files": {}}
        )

    def upload(self, path):
        return f"{self.url}/storage/{path}"

    # -- GraphQL ---------------------------------------------------------------------------------

    def answer(self, operation, given):
        with self.lock:
            act = getattr(self, f"on_{operation}", None)
            if act is None:
                self.unknown.append((operation, given))
                return {"errors": [{"message": f"no {operation} here"}], "data": None}
            return {"data": act(given)}

    def on_Viewer(self, given):
        return {"viewer": {
            "id": "me", "entity": ENTITY, "username": ENTITY, "name": ENTITY, "email": "",
            "flags": "{}", "admin": False, "deletedAt": None, "apiKeys": {"edges": []},
            "teams": {"edges": [{"node": {"name": ENTITY}}]},
        }}  # fmt: skip

    def on_GetDefaultEntity(self, given):
        return {"viewer": {"id": "me", "entity": ENTITY}}

    def on_ServerFeaturesQuery(self, given):
        return {"serverInfo": {"features": []}}

    def on_RunResumeStatus(self, given):
        return {"model": {"name": given["project"], "entity": {"name": ENTITY}, "bucket": None}}

    def on_UpsertBucket(self, given):
        known = given["name"] in self.runs
        run = self.run(given["name"])
        for ours, theirs in {
            "project": "project", "display_name": "displayName", "group": "groupName",
            "job_type": "jobType", "tags": "tags", "sweep": "sweep",
        }.items():  # fmt: skip
            if given.get(theirs) is not None:
                run[ours] = given[theirs]
        if given.get("config"):
            run["config"] = json.loads(given["config"])
        return {"upsertBucket": {"inserted": not known, "bucket": {
            "id": f"id-{run['name']}", "name": run["name"],
            "displayName": run.get("display_name", run["name"]), "description": "",
            "config": "{}", "sweepName": run.get("sweep"), "historyLineCount": 0,
            "project": {"id": "p", "name": run.get("project", "uncategorized"),
                        "entity": {"id": "e", "name": given.get("entity") or ENTITY}},
        }}}  # fmt: skip

    def on_CreateRunFiles(self, given):
        files = [
            {"name": name, "uploadUrl": self.upload(f"{given['run']}/{name}")}
            for name in given["files"]
        ]
        return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": files}}

    def on_CreateArtifact(self, given):
        given = given["input"]
        same = [
            (number, one) for number, one in self.artifacts.items()
            if one["name"] == given["artifactCollectionName"] and one["digest"] == given["digest"]
        ]  # fmt: skip
        number = same[0][0] if same else f"artifact-{next(self.numbers)}"
        one = self.artifacts.setdefault(number, {
            "name": given["artifactCollectionName"], "type": given["artifactTypeName"],
            "digest": given["digest"], "client": given["clientID"], "run": given["runName"],
            "metadata": json.loads(given["metadata"] or "{}"), "state": "PENDING", "files": {},
        })  # fmt: skip
        return {"createArtifact": {"artifact": {
            "id": number, "state": one["state"], "artifactSequence": {"latestArtifact": None},
        }}}  # fmt: skip

    def on_CreateArtifactManifest(self, given):
        number = given["artifactID"]
        file = {"id": number, "uploadHeaders": []}
        file["uploadUrl"] = self.upload(f"{number}/manifest")
        return {"createArtifactManifest": {"artifactManifest": {"id": number, "file": file}}}

    def on_UpdateArtifactManifest(self, given):
        number = given["artifactManifestID"]
        file = {"id": number, "uploadHeaders": []}
        file["uploadUrl"] = self.upload(f"{number}/manifest")
        return {"updateArtifactManifest": {"artifactManifest": {"id": number, "file": file}}}

    def on_CreateArtifactFiles(self, given):
        edges = []
        for spec in given["input"]["artifactFiles"]:
            number, name = spec["artifactID"], spec["name"]
            edges.append({"node": {
                "id": name, "name": name, "displayName": name, "storagePath": f"{number}/{name}",
                "uploadUrl": self.upload(f"{number}/{name}"), "uploadHeaders": [],
                "uploadMultipartUrls": None, "artifact": {"id": number},
            }})  # fmt: skip
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def on_CommitArtifact(self, given):
        one = self.artifacts[given["artifactID"]]
        one["state"] = "COMMITTED"
        answer = {"id": given["artifactID"], "digest": one["digest"]}
        return {"commitArtifact": {"artifact": answer}}

    def on_UseArtifact(self, given):
        given = given.get("input", given)  # the core's way, and the Python part's
        self.used.append((given["runName"], given["artifactID"]))
        answer = {"id": given["artifactID"], "digest": "", "description": None}
        answer |= {"state": "COMMITTED", "createdAt": WHEN, "metadata": "{}"}
        return {"useArtifact": {"artifact": answer}}

    def on_ClientIDMapping(self, given):
        found = [n for n, one in self.artifacts.items() if one["client"] == given["clientID"]]
        return {"clientIDMapping": {"serverID": found[0]} if found else None}

    def on_ArtifactByID(self, given):
        one = self.artifacts[given["id"]]
        project = {"id": "p", "internalId": "1", "name": "workbench", "entity": {"name": ENTITY}}
        collection = {"__typename": "ArtifactSequence", "name": one["name"], "project": project}
        return {"artifact": {
            "__typename": "Artifact", "id": given["id"], "artifactSequence": collection,
            "versionIndex": 0, "artifactType": {"name": one["type"]}, "description": None,
            "metadata": json.dumps(one["metadata"]), "ttlDurationSeconds": -1,
            "ttlIsInherited": True, "tags": [], "historyStep": None, "state": one["state"],
            "size": 1, "digest": one["digest"], "commitHash": "c", "fileCount": 1,
            "createdAt": WHEN, "updatedAt": WHEN, "aliases": [],
        }}  # fmt: skip

    def on_ArtifactType(self, given):
        return {"project": {"artifact": None}}

    def on_OrganizationCoreWeaveOrganizationID(self, given):
        return {"entity": {"organization": None}}

    # -- sweeps ----------------------------------------------------------------------------------

    def on_UpsertSweep(self, given):
        self.sweep = {"config": given["config"], "commands": [], "heartbeats": []}
        project = {"id": "p", "name": given["projectName"], "entity": {"id": "e", "name": ENTITY}}
        return {"upsertSweep": {
            "sweep": {"name": "sweep1", "project": project}, "configValidationWarnings": [],
        }}  # fmt: skip

    def on_SweepWithRuns(self, given):
        return {"project": {"sweep": {
            "id": "s", "name": given["sweep"], "method": "grid", "state": "RUNNING",
            "description": None, "config": self.sweep["config"], "createdAt": None,
            "heartbeatAt": None, "updatedAt": None, "earlyStopJobRunning": False,
            "bestLoss": None, "controller": None, "scheduler": None, "runs": {"edges": []},
        }}}  # fmt: skip

    def on_CreateAgent(self, given):
        return {"createAgent": {"agent": {"id": "agent1"}}}

    def on_Heartbeat(self, given):
        states = json.loads(given["runState"])
        self.sweep["heartbeats"].append(states)
        if states:  # one at a time
            commands = []
        elif self.sweep["commands"]:
            commands = [self.sweep["commands"].pop(0)]
        else:
            commands = [{"type": "exit"}]
        answer = {"agent": {"id": "agent1"}, "commands": json.dumps(commands)}
        return {"agentHeartbeat": answer}

    # -- workspaces and reports ------------------------------------------------------------------

    def on_Runs(self, given):
        edges = [{"cursor": name, "node": {
            "id": name, "name": name, "displayName": run.get("display_name", name), "tags": [],
            "state": "finished", "group": run.get("group"), "jobType": None, "sweepName": None,
            "config": json.dumps(run["config"]), "summaryMetrics": json.dumps(run["summary"]),
            "systemMetrics": None, "historyLineCount": 0,
            "historyKeys": {"keys": dict.fromkeys(name for row in run["history"].values()
                                                  for name in row)}, "commit": None,
            "readOnly": False, "createdAt": WHEN, "heartbeatAt": None,
            "description": None, "notes": None, "projectId": "1",
            "user": {"name": ENTITY, "username": ENTITY},
        }} for name, run in self.runs.items()]  # fmt: skip
        page = {"endCursor": None, "hasNextPage": False}
        project = {"internalId": "1", "runCount": len(edges), "readOnly": False}
        return {"project": {**project, "runs": {"edges": edges, "pageInfo": page}}}

    def on_GetProjects(self, given):
        node = {"id": "p", "name": "workbench", "entityName": ENTITY, "createdAt": WHEN}
        node |= {"isBenchmark": False, "user": None}
        page = {"endCursor": None, "hasNextPage": False}
        return {"models": {"edges": [{"cursor": "1", "node": node}], "pageInfo": page}}

    def on_UpsertView2(self, given):
        self.views.append(given)
        view = {"id": f"view{len(self.views)}", "name": given["name"]}
        return {"upsertView": {"view": view, "inserted": True}}

    def on_upsertView(self, given):
        self.views.append(given)
        project = {"id": "p", "name": given["projectName"], "entityName": given["entityName"]}
        return {"upsertView": {"inserted": True, "view": {
            "id": f"view{len(self.views)}", "type": given["type"], "name": given["name"],
            "displayName": given["displayName"], "description": given["description"],
            "project": project, "spec": given["spec"], "updatedAt": WHEN,
        }}}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server_of_tests: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *given):
        pass

    def body(self):
        length = self.headers.get("Content-Length")
        if length is not None:
            data = self.rfile.read(int(length))
        else:  # chunked
            data = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return gzip.decompress(data) if self.headers.get("Content-Encoding") == "gzip" else data

    def reply(self, content, status=200):
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        server, body = self.server_of_tests, self.body()
        if self.path.startswith("/graphql"):
            request = json.loads(body)
            query = request["query"]
            operation = request.get("operationName") or re.search(
                r"(?:query|mutation)\s*(\w*)", query
            ).group(1)
            server.operations.append(operation)
            if server.trouble and server.trouble(self, operation):
                return
            self.reply(server.answer(operation, request.get("variables") or {}))
        elif found := re.fullmatch(r"/files/[^/]+/[^/]+/([^/]+)/file_stream", self.path):
            if server.trouble and server.trouble(self, "file_stream"):
                return
            self.stream(server.run(found.group(1)), json.loads(body))
            self.reply({"limits": {}})
        elif self.path.startswith("/sdk/otel/"):  # wandb's own measurements of itself
            self.reply({})
        else:
            server.unknown.append((self.path, body))
            self.reply({"error": "unknown"}, 404)

    def stream(self, run, sent):
        for name, part in sent.get("files", {}).items():
            for number, line in enumerate(part["content"], start=part["offset"]):
                if name == "wandb-history.jsonl":
                    run["history"][number] = json.loads(line)
                elif name == "wandb-summary.json":
                    run["summary"] = json.loads(line)
        if sent.get("complete"):
            run["exitcode"] = sent["exitcode"]
        run.setdefault("uploaded", []).extend(sent.get("uploaded") or [])

    def do_PUT(self):
        server, body = self.server_of_tests, self.body()
        if server.trouble and server.trouble(self, "upload"):
            return
        server.stored[self.path.removeprefix("/storage/")] = body
        self.reply({})

    def do_GET(self):
        server = self.server_of_tests
        data = server.stored.get(self.path.removeprefix("/storage/"))
        if data is None:
            server.unknown.append((self.path, b""))
        self.reply(data if data is not None else {"error": "unknown"}, 200 if data else 404)
