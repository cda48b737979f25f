"""Synthetic weather: what the station of Jena measures, made from the sun's path, moving fronts and moist air.

Nothing here was measured. Its means, spreads and correlations in time were set beside the station's of 2020, so that
what works on it has a fair chance to work on the real series.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from dlcourse.datasets.table import import_pandas
from dlcourse.datasets.weather_columns import WEATHER_COLUMNS

if TYPE_CHECKING:
    from dlcourse.datasets.weather import WeatherData

LATITUDE, LONGITUDE = 50.91, 11.57
_KELVIN = 273.15
# Hours before the first row, after which the slowest process has forgotten its start.
_BURN_IN = 2_000
# Chosen among sixty so that seed 0, the default, is a year as hard to forecast as 2020 was.
_FAMILY = 52


def saturation_pressure(temperature: np.ndarray) -> np.ndarray:
    r"""Vapour pressure at which air of a temperature is saturated, by the Magnus formula.

    .. math:: e_s(T) = 6.1078 \exp \frac{17.08085\, T}{234.175 + T}

    The constants are the station's own: its column VPmax follows them to the second decimal.

    Args:
        temperature: in deg C, any shape.

    Returns:
        Pressure in mbar, same shape.

    Example:
        >>> saturation_pressure(np.array([0.0, 20.0])).round(2).tolist()
        [6.11, 23.42]

    Used in: Lab 05b

    Reference: G. Magnus, Versuche ueber die Spannkraefte des Wasserdampfs, 1844.
    """
    return 6.1078 * np.exp(17.08085 * temperature / (234.175 + temperature))


def solar_elevation(day_of_year: np.ndarray, hour: np.ndarray) -> np.ndarray:
    r"""Sine of the sun's height above the horizon of Jena.

    .. math:: \sin h = \sin\varphi \sin\delta + \cos\varphi \cos\delta \cos\omega

    with latitude :math:`\varphi`, declination :math:`\delta` and hour angle :math:`\omega`.

    Args:
        day_of_year: 1 to 366.
        hour: hour of the day in Central European (winter) Time, 0 to 24.

    Returns:
        Sine of the height, between -1 and 1; negative at night.

    Example:
        >>> noon_in_june, midnight = solar_elevation(np.array([172, 172]), np.array([12.2, 0.2]))
        >>> round(float(np.degrees(np.arcsin(noon_in_june)))), bool(midnight < 0)
        (63, True)

    Used in: Lab 05b
    """
    declination = np.radians(23.44) * np.sin(2 * np.pi * (day_of_year - 81.0) / 365.25)
    # The time zone follows the meridian at 15 degrees east, and the sun needs 4 minutes a degree.
    angle = np.radians(15.0) * (hour - 12.0 + (LONGITUDE - 15.0) / 15.0)
    latitude = math.radians(LATITUDE)
    return math.sin(latitude) * np.sin(declination) + math.cos(latitude) * np.cos(declination) * np.cos(angle)


def make_weather(hours: int = 8_784, seed: int = 0, start: str = "2020-01-01") -> WeatherData:
    """Make hourly synthetic weather with the columns of the station of Jena.

    Fronts are two slow autoregressive processes of second order that move pressure, temperature, moisture, clouds and
    wind together. The sun's height and the clouds give the radiation, and radiation and cooling to the sky the daily
    wave of temperature. The dew point follows the air mass and never exceeds the temperature. Every other moisture
    column, the density and the potential temperature are computed from pressure, temperature and dew point.

    For one seed and start, the first rows of a longer series are the shorter one.

    Args:
        hours: number of rows, at least 1.
        seed: non-negative integer.
        start: first time stamp, a full hour in Central European Time.

    Returns:
        A `WeatherData` with `source` "synthetic" and 21 columns.

    Raises:
        TypeError: when hours or seed is not an integer.
        ValueError: when they are too small, or start is not a full hour.
        ImportError: when pandas is not installed.

    Example:
        >>> make_weather(24 * 365, seed=1).title("A year of temperatures")
        'A year of temperatures (synthetic weather)'

    Used in: Lab 05b

    Reference: B. Haurwitz, Insolation in relation to cloudiness, 1945; F. Kasten, G. Czeplak, Solar and terrestrial
    radiation dependent on the amount and type of cloud, 1980; lecture 004, "ACTION REQUIRED", Thursday.
    """
    from dlcourse.datasets.weather import WeatherData

    pandas = import_pandas("make_weather")
    for name, value, least in (("hours", hours, 1), ("seed", seed, 0)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise TypeError(f"{name} must be an integer, got {value!r}.")
        if value < least:
            raise ValueError(f"{name} must be {least} or more, got {value}.")
    first = pandas.Timestamp(start)
    if first != first.floor("h"):
        raise ValueError(f"start must be a full hour, got {first}.")
    times = pandas.date_range(first, periods=hours, freq="h", name="time")
    columns = _columns(times.day_of_year.to_numpy(dtype=float), times.hour.to_numpy(dtype=float), seed)
    # The file's own digits; a difference of two rounded pressures may be one digit off, as it is there.
    rounded = {name: np.round(columns[name], column.decimals) for name, column in WEATHER_COLUMNS.items()}
    return WeatherData(
        table=pandas.DataFrame(rounded, index=times),
        source="synthetic",
        interval=pandas.Timedelta(hours=1),
        raw_names={f"{column.raw} ({column.unit})": name for name, column in WEATHER_COLUMNS.items()},
        label="synthetic weather",
    )


def _columns(day: np.ndarray, hour: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    hours = len(day)
    streams = iter(np.random.SeedSequence((_FAMILY, seed)).spawn(12))

    def process(*memory: float) -> np.ndarray:
        """A standard-normal process of the next stream: with one or two memories in hours, AR(1) or AR(2)."""
        return _autoregressive(np.random.default_rng(next(streams)), hours, memory)

    season = 2 * np.pi * day / 365.25
    sun = np.maximum(solar_elevation(day, hour), 0.0)
    front, air_mass, moisture = process(60, 10), process(44, 7), process(40, 6)
    flurry, clouds_here, gusts, veering = process(3), process(22), process(5), process(16)
    showers, amounts, carbon, slow = process(2), process(1), process(30), process(240, 40)
    patches = process(1.5)

    pressure = 990.0 + 9.0 * front + 1.2 * slow
    # Clouds come with low pressure; more of them drift by on their own, and some within the hour.
    cover = _normal_cdf(0.55 + 0.3 * np.cos(season) - 0.5 * front + 1.1 * clouds_here + 0.7 * patches)
    radiation = 1098.0 * sun * np.exp(-0.057 / np.maximum(sun, 1e-3)) * (1.0 - 0.75 * cover**2.6)
    # The ground answers to sun and sky within hours; what it gives to the air is the daily wave.
    heating = 28.0 * radiation / (radiation + 480.0) - 8.0 * (1.0 - cover)
    wave = _relax(heating, 6.0, start=0.0)
    usual = _relax(_usual_heating(season), 6.0, start=None)
    temperature = (
        10.8
        - 8.0 * np.cos(season - 0.5)
        + (3.05 - 0.55 * np.cos(season)) * air_mass
        + 1.6 * slow
        + wave
        - usual
        + 0.6 * flurry
    )
    cover_mean = _relax(cover, 8.0, start=0.55)
    # How dry the air mass is: its dew point lies this far below the temperature without the daily wave.
    dryness = 4.6 - 1.6 * np.cos(season + 0.3) + 1.0 * front + 2.8 * moisture + 3.0 * (0.55 - cover_mean)
    free = dryness + 1.0 * (wave - usual) + 0.5 * flurry
    # A smooth minimum: towards saturation, dew and fog take the moisture out.
    depression = 1.2 * np.logaddexp(0.0, free / 1.2)
    dew_point = temperature - depression

    saturation, vapour = saturation_pressure(temperature), saturation_pressure(dew_point)
    wind = 1.75 * np.exp(0.54 * gusts - 0.22 * front + 0.16 * slow + 0.9 * (sun - 0.2))
    gust = wind * (1.35 + 0.16 * np.abs(flurry)) + 0.45
    direction = (195.0 + 75.0 * veering + 18.0 * front) % 360.0
    rains = (showers + 1.1 * _normal_score(cover)) / 1.5 > 2.65
    rain = np.where(rains, 0.1 + 0.15 * np.exp(0.9 * amounts), 0.0)
    still = np.exp(-wind / 1.6)
    stock = _relax(30.0 * still * (sun < 0.05), 5.0, start=0.0)
    par = 1.98 * radiation
    return {
        "pressure": pressure,
        "temperature": temperature,
        "potential_temperature": (temperature + _KELVIN) * (1000.0 / pressure) ** 0.286,
        "dew_point": dew_point,
        "relative_humidity": 100.0 * vapour / saturation,
        "saturation_pressure": saturation,
        "vapour_pressure": vapour,
        "vapour_deficit": saturation - vapour,
        "specific_humidity": 622.0 * vapour / (pressure - 0.378 * vapour),
        "vapour_concentration": 1000.0 * vapour / pressure,
        "air_density": 1e5 * (pressure - 0.378 * vapour) / (287.058 * (temperature + _KELVIN)),
        "wind_speed": wind,
        "wind_gust": gust,
        "wind_direction": direction,
        "rain": rain,
        "rain_duration": np.where(rains, np.clip(420.0 + 150.0 * showers, 10.0, 600.0), 0.0),
        "radiation": radiation,
        "par": par,
        "par_max": par * (1.04 + 0.1 * np.abs(flurry) * cover),
        "logger_temperature": 10.2 + _relax(temperature + 0.008 * radiation, 2.0, start=None),
        "co2": 401.0 + 4.0 * np.cos(season) + 3.0 * carbon + 4.0 * stock,
    }


def _autoregressive(rng: np.random.Generator, hours: int, memory: tuple[float, ...]) -> np.ndarray:
    """A stationary process of mean 0 and variance 1 whose shocks fade with these memories, in hours."""
    from scipy.signal import lfilter

    roots = np.exp(-1.0 / np.array(memory))
    coefficients = np.poly(roots)
    shocks = rng.standard_normal(hours + _BURN_IN)
    return lfilter([1.0 / _spread(coefficients)], coefficients, shocks)[_BURN_IN:]


def _spread(coefficients: np.ndarray) -> float:
    """Standard deviation of the process that unit shocks drive: the root of the squared impulse response's sum."""
    from scipy.signal import lfilter

    impulse = np.zeros(4 * _BURN_IN)
    impulse[0] = 1.0
    return float(np.sqrt(np.sum(lfilter([1.0], coefficients, impulse) ** 2)))


def _relax(drive: np.ndarray, memory: float, start: float | None) -> np.ndarray:
    """A stock that fills with the drive and empties with a memory in hours; start None begins in balance."""
    from scipy.signal import lfilter

    keep = math.exp(-1.0 / memory)
    gain = 1.0 - keep
    before = drive[0] if start is None else start
    return lfilter([gain], [1.0, -keep], drive, zi=[keep * before])[0]


def _usual_heating(season: np.ndarray) -> np.ndarray:
    """Mean of the heating over days of this season, deg C, so that the yearly course is the harmonic's alone."""
    return 1.2 - 3.0 * np.cos(season + 0.17)


def _normal_cdf(values: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return ndtr(values)


def _normal_score(shares: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    return ndtri(np.clip(shares, 1e-6, 1.0 - 1e-6))
