"""Makes the boto3 session: from the settings alone, or with what AWS's variables and files add.

The emulator on this machine, with its own credentials in the settings, needs nothing of the AWS
configuration of the person who runs it: no variable, profile or file of another project is read.
"""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import threading
import urllib.request
from typing import IO, Any, Final
from urllib.parse import urlsplit

import boto3
import botocore.exceptions as faults
import botocore.session
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES, ConstantProvider
from botocore.credentials import ProcessProvider
from botocore.utils import should_bypass_proxies

from rejoin.backend.configuration import BackendSettings
from rejoin.errors import BadInputError, RejoinError, ServiceError

CREDENTIALS_WITHIN_S: Final = 5.0
"""How long a `credential_process` may take, and at the start all other sources together."""

_AWS: Final = "gameliftstreams.{}.amazonaws.com"
_CA_OF_REQUESTS: Final = "REQUESTS_CA_BUNDLE"
_FILES: Final = ("config_file", "credentials_file")


def make_session(settings: BackendSettings) -> boto3.session.Session:
    """A session that has its credentials, if there are any.

    Raises BadInputError for a configuration that boto3 cannot use, ServiceError when credentials do
    not come in time.
    """
    try:
        core = _core_session(settings)
        session = boto3.session.Session(
            botocore_session=core,
            region_name=settings.region,
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=settings.secret_access_key,
            aws_session_token=settings.session_token,
            profile_name=settings.profile,
        )
        if settings.access_key_id is None:
            _limit_credential_process(core)
            _load_credentials(core)
        certificates = _certificates(core, settings)
        _check_ca_bundle(certificates)
        core.set_config_variable("ca_bundle", certificates)
    except RejoinError:
        raise
    except Exception as error:
        # Whatever botocore raises at what its variables, files and programs say.
        raise unusable(error) from None
    if not settings.endpoint_is_local:
        _check_proxy(settings.endpoint_url or f"https://{_AWS.format(settings.region)}")
    return session


def _certificates(core: botocore.session.Session, settings: BackendSettings) -> str | bool:
    """What boto3 is to verify the service's certificate by: a file or folder, or True for its own.

    AWS_CA_BUNDLE or ca_bundle, else REQUESTS_CA_BUNDLE, which boto3 refuses if it is empty. For an
    endpoint on this machine REQUESTS_CA_BUNDLE is ignored.
    """
    bundle = core.get_config_variable("ca_bundle")
    if not bundle and not settings.endpoint_is_local:
        bundle = os.environ.get(_CA_OF_REQUESTS, "").strip()
    return bundle or True


def unusable(error: Exception) -> RejoinError:
    """The sentence about a configuration that boto3 refuses. It quotes no value."""
    match error:
        case faults.ProfileNotFound():
            why = "there is no such profile: see the setting profile and the variable AWS_PROFILE"
        case faults.InvalidDefaultsMode():
            why = "AWS_DEFAULTS_MODE or defaults_mode has no valid value"
        case faults.ConfigParseError():
            why = "the file that AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE names is damaged"
        case OSError() if os.environ.get("SSLKEYLOGFILE"):
            why = "the file that SSLKEYLOGFILE names cannot be written"
        case faults.CredentialRetrievalError() if (
            error.kwargs.get("provider") == ProcessProvider.METHOD
        ):
            why = "the credential_process of its profile failed"
        case _:
            why = f"see {_all_that_counts()} ({type(error).__name__})"
    return BadInputError(f"boto3 cannot be set up: {why}.")


def _all_that_counts() -> str:
    """All settings that boto3 reads, for an error that does not say which one is wrong."""
    names = sorted(name for name in os.environ if name.startswith(("AWS_", "BOTO_")))
    return f"the settings and {', '.join(names)}" if names else "the settings and the AWS files"


def _check_ca_bundle(path: str | bool) -> None:
    """boto3 reads it at the first call, and each call would fail."""
    if isinstance(path, bool):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if os.path.isdir(path):
            context.load_verify_locations(capath=path)
        else:
            context.load_verify_locations(path)
    except (OSError, ValueError):
        raise BadInputError(
            "boto3 cannot be set up: AWS_CA_BUNDLE, ca_bundle or REQUESTS_CA_BUNDLE has to name a "
            "readable PEM file with certificates."
        ) from None


def _check_proxy(endpoint_url: str) -> None:
    """The proxy of the environment for calls to this endpoint: boto3 parses it at each call, unless
    NO_PROXY names the endpoint."""
    scheme = urlsplit(endpoint_url).scheme
    name = f"{scheme}_proxy"
    url = urllib.request.getproxies_environment().get(scheme, "")
    if not url or should_bypass_proxies(endpoint_url):
        return
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        is_host = re.fullmatch(r"[A-Za-z0-9._:-]+", parts.hostname or "")
        usable = is_host and parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise BadInputError(
            f"boto3 cannot be set up: {name.upper()} or {name} is not the URL of a proxy, such as "
            "http://proxy.example:3128."
        )


def _core_session(settings: BackendSettings) -> botocore.session.Session:
    if not (settings.endpoint_is_local and settings.access_key_id and not settings.profile):
        return botocore.session.Session()
    alone = {
        name: (None, None, os.devnull if name in _FILES else default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    core = botocore.session.Session(session_vars=alone)
    core.get_component("config_store").set_config_provider("s3", ConstantProvider(None))
    return core


def _limit_credential_process(core: botocore.session.Session) -> None:
    """boto3 waits for ever for the program that the profile names, now and at each renewal."""
    resolver = core.get_component("credential_provider")
    limited = ProcessProvider(
        profile_name=core.get_config_variable("profile") or "default",
        load_config=lambda: core.full_config,
        popen=_LimitedProcess,
    )
    resolver.insert_after(ProcessProvider.METHOD, limited)
    resolver.remove(ProcessProvider.METHOD)  # the first of that name


def _load_credentials(core: botocore.session.Session) -> None:
    """Raises ServiceError after CREDENTIALS_WITHIN_S, and what loading raises."""
    failures: list[Exception] = []

    def load() -> None:
        try:
            core.get_credentials()
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=load, name="aws-credentials", daemon=True)
    thread.start()
    # A credential_process ends its own wait first, and then says so.
    thread.join(CREDENTIALS_WITHIN_S + 1.0)
    if thread.is_alive():
        raise ServiceError(
            f"No AWS credentials came within {CREDENTIALS_WITHIN_S:g} seconds. The AWS profile may "
            "name a program or a service that does not answer."
        )
    for failure in failures:
        if isinstance(failure, _CredentialProcessHangsError):
            raise ServiceError(
                "The credential_process of the AWS profile gave no credentials within "
                f"{CREDENTIALS_WITHIN_S:g} seconds. Run its command by itself to see why."
            )
        raise failure


class _CredentialProcessHangsError(faults.CredentialRetrievalError):
    pass


class _LimitedProcess(subprocess.Popen[bytes]):
    """What ProcessProvider starts; it is killed when it takes too long."""

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        try:
            return super().communicate(input, CREDENTIALS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()
            self.wait()
            pipes: tuple[IO[bytes] | None, ...] = (self.stdin, self.stdout, self.stderr)
            for pipe in (
                pipes
            ):  # the pipes are not read to their ends: a child of the program may hold them open
                if pipe is not None:
                    pipe.close()
            raise _CredentialProcessHangsError(
                provider=ProcessProvider.METHOD, error_msg="no answer in time"
            ) from None
