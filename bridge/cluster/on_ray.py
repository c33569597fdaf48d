"""Serve boxes by Ray Serve: a replica for each GPU, on one machine or many. The only importer of ray."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.cluster import serving
from bridge.cluster.serving import Place, check, directions
from bridge.config import EngineConfig
from bridge.errors import BadArgument, ConfigError, NoAnswer, NoModel
from bridge.system import portable

# All asks of the fronts are let in: a replica makes them one after another, tells how many come first, and refuses more than its queue
# takes. Ray sends each to the replica with the fewest.
MOST_ASKS = 200
HEALTH_PERIOD_S, HEALTH_TIMEOUT_S, CLOSING_S = 5.0, 30.0, 5.0
# A cluster that we start ourselves demands the token that Ray keeps in the user's home, and tells nobody that it is used.
OWN_CLUSTER = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DISABLE_IMPORT_WARNING": "1"}


@dataclass(frozen=True, slots=True)
class Cluster:
    """`address`: of a cluster that runs already, "" to start one on this machine. `replicas`: 0 for one for each GPU, or one without GPUs.
    `name`: of the application, which is also its path, so that several checkpoints are served at one address; "" for the only one."""

    address: str = ""
    replicas: int = 0
    name: str = ""


def serve(config: EngineConfig, place: Place, cluster: Cluster, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. Raises ConfigError, BadArgument, NoAnswer, NoModel."""
    demanded = check(place)
    if cluster.name and not cluster.name.replace("-", "").replace("_", "").isalnum():
        raise BadArgument(f"--name may have letters, digits, - and _, not {cluster.name[:40]!r}.")
    if not 0 <= cluster.replicas <= MOST_ASKS:
        raise BadArgument(f"--replicas must be 0 to {MOST_ASKS}, not {cluster.replicas}.")
    if cluster.address and os.environ.get("RAY_AUTH_MODE") != "token":
        say(
            "Note: this cluster has no token of its own (RAY_AUTH_MODE=token), so whoever reaches its ports can run any code on it."
        )
    ray, ray_serve = _begin(cluster)
    try:
        gpus = int(ray.cluster_resources().get("GPU", 0)) if config.compute in ("auto", "cuda") else 0
        replicas = cluster.replicas or max(1, gpus)
        say(f"Starting {replicas} {'replica' if replicas == 1 else 'replicas'} …")
        ray_serve.start(
            proxy_location="EveryNode",
            http_options={
                "host": place.host,
                "port": place.port,
                "ssl_certfile": place.certificate and str(place.certificate),
                "ssl_keyfile": place.key and str(place.key),
            },
        )
        name = cluster.name or "clipbridge"
        path = f"/{cluster.name}"
        application = _application(config, demanded, replicas, gpus > 0)
        try:
            ray_serve.run(application, name=name, route_prefix=path)
        except RuntimeError as error:
            reason = " ".join(str(error).split())[-300:]
            raise NoModel(
                f"The replicas cannot be started: clipbridge serve without --ray says why ({reason})."
            ) from error
        for line in directions(place, place.port, path.rstrip("/")):
            say(line)
        asyncio.run(_stopped())
        ray_serve.delete(name)
        if not cluster.address:
            ray_serve.shutdown()
    finally:
        ray.shutdown()


def _begin(cluster: Cluster) -> tuple[Any, Any]:
    """Start Ray on this machine, or join a cluster; returns ray and ray.serve."""
    if not cluster.address:
        for name, value in OWN_CLUSTER.items():
            os.environ.setdefault(name, value)
    try:
        import ray
        from ray import serve as ray_serve
    except ModuleNotFoundError as error:
        raise ConfigError("--ray needs Ray: pip install '.[cluster]' in the folder of Clipbridge (Linux).") from error
    try:
        if cluster.address:
            ray.init(address=cluster.address, namespace="clipbridge", log_to_driver=False)
        else:
            ray.init(namespace="clipbridge", log_to_driver=False, include_dashboard=True, dashboard_host="127.0.0.1")
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise NoAnswer(f"Ray cannot be used at {cluster.address or 'this machine'} ({reason}).") from error
    return ray, ray_serve


def _application(config: EngineConfig, demanded: list[str], replicas: int, has_gpus: bool) -> Any:
    from ray import serve as ray_serve

    target = serving.TARGET

    def build() -> Any:
        from bridge.cluster import replica

        return replica.app(config, demanded, target)

    class Engine:
        """A replica."""

        def check_health(self) -> None:
            from bridge.cluster import replica

            replica.check_health()

    deployed = ray_serve.deployment(
        name="Engine",
        num_replicas=replicas,
        max_ongoing_requests=MOST_ASKS,
        health_check_period_s=HEALTH_PERIOD_S,
        health_check_timeout_s=HEALTH_TIMEOUT_S,
        graceful_shutdown_timeout_s=CLOSING_S,
        ray_actor_options={"num_gpus": 1} if has_gpus else {"num_cpus": max(1, config.threads)},
    )
    return deployed(ray_serve.ingress(build)(Engine)).bind()


async def _stopped() -> None:
    """Return at Ctrl-C or SIGTERM."""
    stopped = asyncio.Event()
    portable.on_stop_signals(asyncio.get_running_loop(), stopped.set)
    while not stopped.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), 1.0)
