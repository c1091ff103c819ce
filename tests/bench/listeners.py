# SPDX-License-Identifier: Apache-2.0
"""What a bench listens with, beside the program's own time."""
import asyncio
import multiprocessing
import os
import socket
import time

import lab as laboratory


class Listeners:
    """In a process of its own: a port that accepts and never answers, and a proxy to a Redis that
    notes when each connection asked for INFO."""

    def __init__(self, upstream):
        self.pipe, child = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.serve, args=(child, upstream), daemon=True)
        self.process.start()
        self.silent, self.proxy = self.pipe.recv()

    @staticmethod
    def serve(pipe, upstream):
        laboratory.allow_files()
        asked = {}

        async def never(reader, writer):
            while await reader.read(4096):
                pass
            writer.close()

        async def relay(reader, writer):
            there, back = await asyncio.open_connection("127.0.0.1", upstream)
            times = asked.setdefault(id(writer), [])

            async def replies():
                while data := await there.read(65536):
                    writer.write(data)
                writer.close()
            task = asyncio.ensure_future(replies())
            try:
                while data := await reader.read(65536):
                    if b"INFO" in data.upper():
                        times.append(time.monotonic())
                    back.write(data)
            except ConnectionError:
                pass
            back.close()
            await task

        async def main():
            silent = await asyncio.start_server(never, "127.0.0.1", 0, backlog=4096)
            proxy = await asyncio.start_server(relay, "127.0.0.1", 0, backlog=256)
            pipe.send((silent.sockets[0].getsockname()[1], proxy.sockets[0].getsockname()[1]))
            loop, ended = asyncio.get_running_loop(), asyncio.Event()

            def told():
                try:
                    word = pipe.recv()
                except EOFError:
                    word = "end"
                if word == "asked":
                    pipe.send([list(times) for times in asked.values()])
                else:
                    ended.set()
            loop.add_reader(pipe.fileno(), told)
            await ended.wait()
            os._exit(0)
        asyncio.run(main())

    def asked(self):
        self.pipe.send("asked")
        return self.pipe.recv()

    def close(self):
        self.pipe.send("end")
        self.process.join(5)


class SlowNames(asyncio.DatagramProtocol):
    """A name server that answers every question with 127.0.0.1, to be asked again at once, after a while. It
    works in a process of its own. RFC 1035, section 4."""

    def __init__(self, seconds):
        self.seconds, self.transport = seconds, None
        self.asked = multiprocessing.Value("i", 0)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.process = multiprocessing.Process(target=lambda: asyncio.run(self.serve()), daemon=True)
        self.process.start()

    async def serve(self):
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, sock=self.socket)
        await asyncio.Event().wait()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        at = 12
        while at < len(data) and data[at]:
            at += data[at] + 1
        if at + 5 > len(data):
            return
        self.asked.value += 1
        question, is_ipv4 = data[12:at + 5], data[at + 2] == 1
        answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01" if is_ipv4 else b""
        head = data[:2] + b"\x81\x80\0\x01" + (b"\0\x01" if is_ipv4 else b"\0\0") + b"\0\0\0\0"
        asyncio.get_running_loop().call_later(self.seconds, self.transport.sendto,
                                              head + question + answer, addr)

    def close(self):
        self.process.terminate()
        self.process.join(5)
        self.socket.close()
