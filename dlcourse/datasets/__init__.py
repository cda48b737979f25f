"""The course's data sets: a registry with checksums and licences, the download, and one loader a data set.

Importing this package reads nothing and needs NumPy only; scikit-learn, pooch and the network wait until a loader asks.
"""

from dlcourse.datasets.breast_cancer import load_breast_cancer
from dlcourse.datasets.credit import load_credit
from dlcourse.datasets.dataset import Dataset, SplitDataset
from dlcourse.datasets.digits import load_digits
from dlcourse.datasets.download import DataNotFoundError, fetch, fetch_dataset
from dlcourse.datasets.idx import read_idx
from dlcourse.datasets.iris import load_iris
from dlcourse.datasets.lending_club import load_lending_club
from dlcourse.datasets.mnist import load_mnist
from dlcourse.datasets.network_data import NetworkData, make_network_data
from dlcourse.datasets.preprocessing import Split, split_and_standardize
from dlcourse.datasets.registry import REGISTRY, DataFile, DatasetRecord, get_dataset, get_file, list_datasets
from dlcourse.datasets.storage import (
    DataCorruptError,
    DatasetStatus,
    FileStatus,
    cache_directory,
    data_directory,
    find_local,
    status,
    verify,
)
from dlcourse.datasets.table import Table
from dlcourse.datasets.weather import WeatherData, load_jena
from dlcourse.datasets.weather_columns import WEATHER_COLUMNS
from dlcourse.datasets.weather_synthesis import make_weather

__all__ = [
    "REGISTRY",
    "WEATHER_COLUMNS",
    "DataCorruptError",
    "DataFile",
    "DataNotFoundError",
    "Dataset",
    "DatasetRecord",
    "DatasetStatus",
    "FileStatus",
    "NetworkData",
    "Split",
    "SplitDataset",
    "Table",
    "WeatherData",
    "cache_directory",
    "data_directory",
    "fetch",
    "fetch_dataset",
    "find_local",
    "get_dataset",
    "get_file",
    "list_datasets",
    "load_breast_cancer",
    "load_credit",
    "load_digits",
    "load_iris",
    "load_jena",
    "load_lending_club",
    "load_mnist",
    "make_network_data",
    "make_weather",
    "read_idx",
    "split_and_standardize",
    "status",
    "verify",
]
