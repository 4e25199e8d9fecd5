#!/usr/bin/env python3
"""Print the DHCP packets of a little-endian Ethernet pcap: one line each, what it is and its hex."""
import struct
import sys

data = open(sys.argv[1], "rb").read()[24:]
while data:
    length = struct.unpack("<I", data[8:12])[0]
    frame, data = data[16 : 16 + length], data[16 + length :]
    header = (frame[14] & 15) * 4
    payload = frame[14 + header + 8 :]
    udp_length = struct.unpack(">H", frame[14 + header + 4 : 14 + header + 6])[0]
    payload = payload[: udp_length - 8]
    options, kind, vendor, user = payload[240:], 0, b"", b""
    while options and options[0] != 255:
        if options[0] == 0:
            options = options[1:]
            continue
        code, size = options[0], options[1]
        value, options = options[2 : 2 + size], options[2 + size :]
        if code == 53:
            kind = value[0]
        if code == 60:
            vendor = value
        if code == 77:
            user = value
    mac = payload[28:34].hex(":")
    print(payload[0], kind, mac, vendor.decode(), user.decode(errors="replace") or "-", payload.hex())
