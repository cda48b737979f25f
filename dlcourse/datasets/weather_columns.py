"""The columns of the Jena weather station: one name, one unit and one meaning for all of its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class WeatherColumn:
    """One quantity that the station measures.

    Args:
        name: name in the course's tables.
        raw: how its name in the files begins; what follows (the unit) is damaged in some copies.
        unit: unit, as on an axis.
        description: what it is, in a few words.
        decimals: digits after the point in the files.

    Example:
        >>> temperature = WEATHER_COLUMNS["temperature"]
        >>> temperature.raw, temperature.unit
        ('T', 'deg C')

    Used in: Lab 05b
    """

    name: str
    raw: str
    unit: str
    description: str
    decimals: int = 2


_COLUMNS = (
    WeatherColumn("pressure", "p", "mbar", "air pressure at the station"),
    WeatherColumn("temperature", "T", "deg C", "air temperature"),
    WeatherColumn("potential_temperature", "Tpot", "K", "temperature of the air if brought to 1000 mbar"),
    WeatherColumn("dew_point", "Tdew", "deg C", "temperature at which this air would be saturated"),
    WeatherColumn("relative_humidity", "rh", "%", "vapour pressure in percent of the saturation pressure"),
    WeatherColumn("saturation_pressure", "VPmax", "mbar", "vapour pressure of saturated air of this temperature"),
    WeatherColumn("vapour_pressure", "VPact", "mbar", "pressure of the water vapour in the air"),
    WeatherColumn("vapour_deficit", "VPdef", "mbar", "saturation pressure less vapour pressure"),
    WeatherColumn("specific_humidity", "sh", "g/kg", "mass of water vapour in a mass of air"),
    WeatherColumn("vapour_concentration", "H2OC", "mmol/mol", "share of water molecules in the air"),
    WeatherColumn("air_density", "rho", "g/m^3", "mass of a volume of air"),
    WeatherColumn("wind_speed", "wv", "m/s", "mean wind speed"),
    WeatherColumn("wind_gust", "max. wv", "m/s", "largest wind speed"),
    WeatherColumn("wind_direction", "wd", "deg", "where the wind comes from, clockwise from north", 1),
    WeatherColumn("rain", "rain", "mm", "rain in the ten minutes before", 1),
    WeatherColumn("rain_duration", "raining", "s", "how long it rained in the ten minutes before", 0),
    WeatherColumn("radiation", "SWDR", "W/m^2", "solar radiation from above"),
    WeatherColumn("par", "PAR", "umol/m^2/s", "radiation that plants can use"),
    WeatherColumn("par_max", "max. PAR", "umol/m^2/s", "largest radiation that plants can use"),
    WeatherColumn("logger_temperature", "Tlog", "deg C", "temperature inside the data logger"),
    WeatherColumn("co2", "OT", "ppm", "carbon dioxide in the air (the benchmark file names it OT)", 1),
)

WEATHER_COLUMNS: dict[str, WeatherColumn] = {column.name: column for column in _COLUMNS}
# The station's own name of the last column, before the benchmark renamed it.
_BY_RAW = {column.raw: column.name for column in _COLUMNS} | {"CO2": "co2"}
SHARED_COLUMNS: tuple[str, ...] = tuple(column.name for column in _COLUMNS[:14])


def canonical_names(header: Sequence[str]) -> dict[str, str]:
    """Translate the header of a file of the station.

    Args:
        header: column names as they stand in the file, without the time stamp's.

    Returns:
        The course's name of each, in the order of the header.

    Raises:
        ValueError: when one of the 14 columns that all files share is missing, or an unknown one is there.

    Example:
        >>> names = [f"{column.raw} ({column.unit})" for column in WEATHER_COLUMNS.values()]
        >>> canonical_names(names)["T (deg C)"]
        'temperature'

    Used in: Lab 05b
    """
    names = {raw: _BY_RAW.get(str(raw).split(" (")[0].strip()) for raw in header}
    unknown = [raw for raw, name in names.items() if name is None]
    missing = [f"{name} ({WEATHER_COLUMNS[name].raw})" for name in SHARED_COLUMNS if name not in names.values()]
    if unknown or missing:
        problems = [f"unknown: {', '.join(map(repr, unknown))}"] * bool(unknown)
        problems += [f"missing: {', '.join(missing)}"] * bool(missing)
        raise ValueError(
            f"this is not a file of the Jena station; {'; '.join(problems)}. Expected the 14 columns of 2009-2016, or "
            "these and seven more as in 2020."
        )
    return names
