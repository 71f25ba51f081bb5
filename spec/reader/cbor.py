"""Deterministic CBOR (RFC 8949 section 4.2.1) by schema: accepts exactly one encoding of each value."""


class Refused(Exception):
    """Something of the format was refused, with its code."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


MAX_SAFE = 2**53 - 1
UINT, BYTES, TEXT, ARRAY, MAP = 0, 2, 3, 4, 5


class Cursor:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def byte(self):
        if self.at >= len(self.data):
            raise Refused("encoding-not-canonical")
        self.at += 1
        return self.data[self.at - 1]

    def head(self, major):
        first = self.byte()
        if first >> 5 != major:
            raise Refused("encoding-wrong-type")
        info = first & 31
        if info < 24:
            return info
        if info > 27:
            raise Refused("encoding-not-canonical")
        width = 1 << (info - 24)
        value = 0
        for _ in range(width):
            value = value * 256 + self.byte()
        least = 24 if width == 1 else 2 ** (width * 4)
        if value < least or value > MAX_SAFE:
            raise Refused("encoding-not-canonical")
        return value

    def raw(self, length, most):
        if length > most:
            raise Refused("encoding-out-of-range")
        if self.at + length > len(self.data):
            raise Refused("encoding-not-canonical")
        self.at += length
        return bytes(self.data[self.at - length : self.at])


def uint(most=MAX_SAFE):
    def read(cursor):
        value = cursor.head(UINT)
        if value > most:
            raise Refused("encoding-out-of-range")
        return value

    return read


def octets(least, most=None):
    most = least if most is None else most

    def read(cursor):
        value = cursor.raw(cursor.head(BYTES), most)
        if len(value) < least:
            raise Refused("encoding-out-of-range")
        return value

    return read


def text(most):
    def read(cursor):
        try:
            return cursor.raw(cursor.head(TEXT), most).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("encoding-not-canonical") from None

    return read


def boolean(cursor):
    byte = cursor.byte()
    if byte not in (0xF4, 0xF5):
        raise Refused("encoding-wrong-type")
    return byte == 0xF5


def choice(*names):
    def read(cursor):
        place = cursor.head(UINT)
        if place >= len(names):
            raise Refused("encoding-out-of-range")
        return names[place]

    return read


def list_of(item, most):
    def read(cursor):
        length = cursor.head(ARRAY)
        if length > most:
            raise Refused("encoding-out-of-range")
        return [item(cursor) for _ in range(length)]

    return read


class Optional:
    def __init__(self, item):
        self.item = item


def struct(**fields):
    """Fields by name, in the order of their numbers: 0, 1, 2…"""
    ordered = list(fields.items())

    def read(cursor):
        entries = cursor.head(MAP)
        if entries > len(ordered):
            raise Refused("encoding-out-of-range")
        found = {}
        last = -1
        for _ in range(entries):
            key = cursor.head(UINT)
            if key <= last:
                raise Refused("encoding-not-canonical")
            last = key
            if key >= len(ordered):
                raise Refused("encoding-unknown-field")
            name, item = ordered[key]
            found[name] = (item.item if isinstance(item, Optional) else item)(cursor)
        for name, item in ordered:
            if name not in found and not isinstance(item, Optional):
                raise Refused("encoding-missing-field")
        return found

    return read


def decode(item, data):
    cursor = Cursor(data)
    value = item(cursor)
    if cursor.at != len(data):
        raise Refused("encoding-trailing-bytes")
    return value
