/// Writes PNG files, with pixels that are stored and not compressed, and with whatever mistakes a test wants.
struct PNGFile {
    var width: Int
    var height: Int
    /// The bits of a sample.
    var depth = 8
    /// 0 is grey, 2 colours, 3 a palette, 4 grey with alpha, 6 colours with alpha.
    var colourType = 0
    var isInterlaced = false
    /// The samples, `(height, width, channels)`.
    var samples: [Int]
    /// The colours of the palette, three bytes each.
    var palette: [UInt8] = []
    /// Chunks that stand ahead of the pixels.
    var extra: [(type: String, data: [UInt8])] = []

    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    private var channels: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colourType] ?? 1 }

    /// The whole file.
    var bytes: [UInt8] {
        var file = Self.signature + chunk("IHDR", head)
        for (type, data) in extra { file += chunk(type, data) }
        if !palette.isEmpty { file += chunk("PLTE", palette) }
        return file + chunk("IDAT", stored(scanlines)) + chunk("IEND", [])
    }

    private var head: [UInt8] {
        bigEndian(width) + bigEndian(height) + [UInt8(depth), UInt8(colourType), 0, 0, isInterlaced ? 1 : 0]
    }

    /// The rows of all passes, each behind the number of its filter.
    private var scanlines: [UInt8] {
        // The first column and row of each pass of Adam7, and the steps to the next (section 8.2).
        let passes =
            isInterlaced
            ? [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
            : [(0, 0, 1, 1)]
        var bytes: [UInt8] = []
        for (left, top, across, down) in passes where left < width && !samples.isEmpty {
            for row in stride(from: top, to: height, by: down) {
                bytes.append(0)
                bytes += packed(
                    stride(from: left, to: width, by: across).flatMap { column in
                        (0..<channels).map { samples[(row * width + column) * channels + $0] }
                    })
            }
        }
        return bytes
    }

    private func packed(_ samples: [Int]) -> [UInt8] {
        if depth == 16 { return samples.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] } }
        let perByte = 8 / depth
        return stride(from: 0, to: samples.count, by: perByte).map { start in
            (0..<perByte).reduce(UInt8(0)) { byte, index in
                let sample = start + index < samples.count ? UInt8(samples[start + index]) : 0
                return byte | sample << UInt8(8 - depth * (index + 1))
            }
        }
    }

    /// A zlib stream of stored blocks (RFC 1950 and RFC 1951).
    func stored(_ data: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        var start = 0
        repeat {
            let count = min(data.count - start, 0xFFFF)
            let (low, high) = (UInt8(count & 0xFF), UInt8(count >> 8))
            stream += [start + count == data.count ? 1 : 0, low, high, ~low, ~high] + data[start..<start + count]
            start += count
        } while start < data.count
        var sums = (1, 0)
        for byte in data {
            sums.0 = (sums.0 + Int(byte)) % 65521
            sums.1 = (sums.1 + sums.0) % 65521
        }
        return stream + bigEndian(sums.1 << 16 | sums.0)
    }

    func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let content = Array(type.utf8) + data
        var checksum = UInt32.max
        for byte in content {
            checksum ^= UInt32(byte)
            for _ in 0..<8 { checksum = checksum & 1 == 0 ? checksum >> 1 : checksum >> 1 ^ 0xEDB8_8320 }
        }
        return bigEndian(data.count) + content + bigEndian(Int(~checksum))
    }

    private func bigEndian(_ number: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
