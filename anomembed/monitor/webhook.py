"""Post JSON to a webhook. Only this and `notifier` reach out, and only where a configuration names a channel."""

import http.client
import socket
import urllib.error
import urllib.parse
import urllib.request


class WebhookError(Exception):
    """A webhook did not take what was posted; its text holds no address."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a secret in an address is for that address only."""

    def redirect_request(self, *_: object) -> None:
        """Return no request."""


def post(url: str, body: bytes, timeout: float) -> None:
    """Post JSON.

    Parameters
    ----------
    url : str
        An address that begins with ``https://`` or ``http://``.
    body : bytes
        JSON.
    timeout : float
        Seconds until it is given up.

    Raises
    ------
    WebhookError
        When it does not answer with success.
    """
    check_address(url)
    try:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
        urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout).close()
    except urllib.error.HTTPError as error:
        raise WebhookError(f"the webhook answered {error.code}") from None
    except TimeoutError:
        raise WebhookError(f"the webhook took longer than {timeout:g} seconds") from None
    except (urllib.error.URLError, http.client.HTTPException, ValueError, OSError) as error:
        raise WebhookError(_kind(error)) from None


def reach(url: str, timeout: float) -> None:
    """Connect to where a webhook is, by its proxy where the environment has one, and post nothing.

    Raises
    ------
    WebhookError
        When nothing answers there, or what answers has no valid certificate.
    """
    check_address(url)
    parts = urllib.parse.urlsplit(url)
    proxy = "" if urllib.request.proxy_bypass(parts.netloc) else urllib.request.getproxies().get(parts.scheme, "")
    at = urllib.parse.urlsplit(proxy) if proxy else parts
    kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    connection = kind(at.hostname or "", at.port, timeout=timeout)
    try:
        connection.connect()
    except (http.client.HTTPException, ValueError, OSError) as error:
        raise WebhookError(_kind(error)) from None
    finally:
        connection.close()


def check_address(url: str) -> None:
    """Refuse an address that nothing can be posted to.

    Raises
    ------
    WebhookError
        When it is not well-formed.
    """
    if not url.startswith(("http://", "https://")):
        raise WebhookError("a webhook needs an address that begins with https:// or http://")
    try:
        parts = urllib.parse.urlsplit(url)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number, brackets that do not match
        has_host = False
    if not has_host or not url.isprintable() or " " in url:
        raise WebhookError("the address is not well-formed: it has no host, a wrong port or blanks")


def _kind(error: Exception) -> str:
    """Return what kind of error it is; its text may hold parts of the address."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return "the webhook took too long"
    if isinstance(reason, socket.gaierror):
        return "the host of the webhook is not known"
    return f"the webhook cannot be reached ({type(reason).__name__})"
