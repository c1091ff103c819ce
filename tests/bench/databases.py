# SPDX-License-Identifier: Apache-2.0
"""What it costs to watch PostgreSQL, and to speak TLS."""
import os
import subprocess
import time

from figures import cpu_seconds, rss_megabytes, tool
from lab import Lab, expect, wait_for
from model_service import ModelService
from postgres_server import Postgres

TARGETS = 100
IDLERS = 90
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def bench_postgres(figures):
    """A hundred resources on one real server, each probed twice a second over its own connection, with ninety
    idle sessions beside; and the same statement from a bare loop."""
    with Lab("postgres") as lab:
        postgres = Postgres(lab, max_connections=TARGETS * 2 + IDLERS + 20)
        lab.write_config([postgres.resource(f"db{number}", every="500ms", logs=[])
                          for number in range(TARGETS)], log={"level": "info"})
        postgres.crowd(IDLERS, "web", "SELECT 1;\n\\sleep 1800 s")
        midwatch = lab.run()
        wait_for("all to be probed", lambda: postgres.sessions("application_name = 'midwatch'") == TARGETS,
                 30, every=0.2)
        wait_for("the idle ones", lambda: postgres.sessions("application_name = 'web'") == IDLERS, 30, every=0.2)

        def probes():
            return postgres.number("SELECT xact_commit FROM pg_stat_database WHERE datname = 'shop'")
        pid, seconds = midwatch.process.pid, max(10, figures.seconds * 0.5)
        time.sleep(2)
        before, cpu = probes(), cpu_seconds(pid)
        time.sleep(seconds)
        done, spent = probes() - before, cpu_seconds(pid) - cpu
        expect(done >= 1.9 * TARGETS * seconds, f"{done} probes in {seconds:g} s are too few")
        statement = postgres.sql("SELECT query FROM pg_stat_activity WHERE application_name = 'midwatch' LIMIT 1")
        ours = 1e6 * spent / done
        figures.figure("1,000 PostgreSQL probes, processor", ours, 200, "ms")
        midwatch.terminate()
        peer = subprocess.run(
            [tool("peer_postgres"), str(TARGETS), "20",
             f"host=127.0.0.1 port={postgres.port} user=midwatch dbname=shop", statement],
            capture_output=True, text=True, check=False, timeout=120)
        expect(peer.returncode == 0, peer.stderr)
        theirs = float(peer.stdout)
        print(f"  {done} probes of {TARGETS} targets; a bare loop of the same statement over libpq in the same "
              f"run: {theirs:.1f} ms for 1,000; ratio {ours / theirs:.2f}", flush=True)


def certificate(lab):
    """One that signs itself, for localhost and 127.0.0.1. Its paths: certificate, key."""
    paths = lab.path("certificate.pem"), lab.path("key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True, timeout=30)
    return paths


def bench_tls(figures):
    """The whole program with TLS to a PostgreSQL that it watches and to the model that it has asked; ours is
    one more among the system's authorities."""
    proposal = {"root_cause": "idle sessions", "confidence": 0.8,
                "steps": [{"tool": "postgres_terminate_idle", "arguments": {"resource": "db", "min_seconds": 0},
                           "why": "they do nothing"}]}
    with Lab("tls") as lab:
        pair = certificate(lab)
        trusted = lab.path("authorities.pem")
        with open(trusted, "wb") as file:
            for path in (BUNDLE, pair[0]):
                if os.path.exists(path):
                    with open(path, "rb") as part:
                        file.write(part.read())
        postgres = Postgres(lab, tls=pair)
        postgres.crowd(5, "web", "SELECT 1;\n\\sleep 1800 s")
        service = ModelService(lab, [{"calls": [{"name": "postgres_activity", "args": {"resource": "db"}}]},
                                     {"calls": [{"name": "propose_plan", "args": proposal}]}], tls=pair)
        lab.write_config([postgres.resource(
            url=f"postgresql://midwatch@127.0.0.1:{postgres.port}/shop?sslmode=verify-full&sslrootcert={pair[0]}",
            thresholds={"connections_percent": {"degraded": 0.5}})],
            llm=service.section(), log={"level": "info"})
        midwatch = lab.start("run", env={"SSL_CERT_FILE": trusted})
        plan = lab.wait_plan(midwatch, seconds=30)["plans"][0]
        expect(plan["planner"].startswith("gemini"), f"the model was asked over TLS: {plan['planner']}")
        service.played()
        expect(postgres.sql("SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                            "WHERE application_name = 'midwatch'") == "t", "the session is encrypted")
        figures.figure("with TLS to a PostgreSQL and to the model, memory", rss_megabytes(midwatch.process.pid),
                       24, "MB")
