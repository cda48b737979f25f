"""Who computes the groups of a study: this process, processes of this machine, or a Dask cluster.

Used in: Lab 03b
"""

from __future__ import annotations

from collections.abc import Iterator

import joblib

from dlcourse.approximation._study_group import Row, StudyGroup, train_group

BACKENDS = ("joblib", "dask")


def finished_groups(groups: list[StudyGroup], backend: str, n_jobs: int, address: str | None) -> Iterator[list[Row]]:
    """Yields the rows of each group as soon as it is finished, in any order.

    Args:
        groups: What to compute.
        backend: One of `BACKENDS`.
        n_jobs: Processes on this machine, as in joblib (-1 for all cores).
        address: Of a Dask scheduler; None starts a local cluster.

    Raises:
        ModuleNotFoundError: If `backend` is "dask" and Dask is not installed.
        ValueError: If `address` is given for another backend, or `n_jobs` is 0.

    Used in: Lab 03b
    """
    if address is not None and backend != "dask":
        raise ValueError(f"address is for backend='dask'; got {address!r} with backend={backend!r}.")
    if n_jobs == 0:
        raise ValueError("n_jobs must not be 0. Use 1 for this process, -1 for a process on each core.")
    jobs = joblib.effective_n_jobs(n_jobs)
    if not groups:
        return iter(())
    if backend == "dask":
        return _on_dask(groups, jobs, address)
    return _on_joblib(groups, jobs)


def _on_joblib(groups: list[StudyGroup], jobs: int) -> Iterator[list[Row]]:
    # One process uses all cores itself; several take one each.
    settings = {} if jobs == 1 else {"threads": 1, "progress": False}
    calls = (joblib.delayed(train_group)(group, **settings) for group in groups)
    return iter(joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(calls))


def _on_dask(groups: list[StudyGroup], jobs: int, address: str | None) -> Iterator[list[Row]]:
    try:
        from distributed import Client, LocalCluster, as_completed
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "backend='dask' needs the package distributed. Install it with: pip install 'dlcourse[cluster]'"
        ) from error
    cluster = address or LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None)
    try:
        with Client(cluster) as client:
            # Dask computes a group again when the worker that had it dies; the store takes each row once.
            futures = [client.submit(train_group, group, threads=1, progress=False, pure=False) for group in groups]
            for future in as_completed(futures):
                yield future.result()
                # The rows are saved by now: should the worker die, there is no reason to compute them again.
                future.release()
    finally:
        if address is None:
            cluster.close()
