"""What every table of `pipeline.toml` is made of: frozen, typed sections, and the kinds of text they share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NAME = r"^[a-z][a-z0-9-]{0,39}$"
IMPORT_PATH = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*[.:][A-Za-z_]\w*$"
TYPE = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$"
FUNCTION = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
WHOLE_DIGEST = r"^([0-9a-f]{64})?$"
HOST = r"^((unix|tcp|ssh)://.+)?$"
OBJECT = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
OPTIONAL = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"
GATEWAY = r"^([a-z0-9][a-z0-9-]{0,62}/[a-z0-9][a-z0-9.-]{0,252})?$"
HOSTNAME = r"^((\*\.)?[a-z0-9][a-z0-9.-]{0,252})?$"
WEB = r"^(https?://[^\s/]+)?$"
PATTERNS = {
    OBJECT: "a name as Kubernetes allows it: at most 63 lower-case letters, digits and dashes",
    OPTIONAL: "a name as Kubernetes allows it (at most 63 lower-case letters, digits and dashes), or nothing",
    GATEWAY: "a namespace, '/' and a name, such as 'gateways/public', or nothing",
    HOSTNAME: "a host name such as 'late.example.org' or '*.example.org', or nothing",
    WEB: "an address without a path that begins with http:// or https://, or nothing",
    HOST: "an address that begins with unix://, tcp:// or ssh://, or nothing",
    NAME: "1 to 40 lower-case letters, digits and dashes, a letter first",
    IMPORT_PATH: "an import path such as 'sklearn.linear_model.Ridge' or a function such as 'model.estimators:logistic'",
    WHOLE_DIGEST: "64 hexadecimal digits, or nothing",
    TYPE: "the full name of a class or function, such as 'xgboost.core.Booster'",
    FUNCTION: "a function named as 'module:name', such as 'model.metrics:late_precision'",
}
"""What each pattern means, in words for messages and the reference."""

Name = Annotated[str, StringConstraints(pattern=NAME)]
Text = Annotated[str, StringConstraints(min_length=1)]
Reference = Annotated[str, StringConstraints(pattern=IMPORT_PATH)]
Function = Annotated[str, StringConstraints(pattern=FUNCTION)]
TypeName = Annotated[str, StringConstraints(pattern=TYPE)]
WholeDigest = Annotated[str, StringConstraints(pattern=WHOLE_DIGEST)]
Host = Annotated[str, StringConstraints(pattern=HOST)]
ObjectName = Annotated[str, StringConstraints(pattern=OBJECT)]
OptionalName = Annotated[str, StringConstraints(pattern=OPTIONAL)]
GatewayName = Annotated[str, StringConstraints(pattern=GATEWAY)]
HostName = Annotated[str, StringConstraints(pattern=HOSTNAME)]
WebAddress = Annotated[str, StringConstraints(pattern=WEB)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """Frozen, typed, and closed: an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        protected_namespaces=(),
    )
