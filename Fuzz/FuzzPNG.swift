import Codecs
import Memory

/// Refuses images that are larger than the fuzzers' limit, and otherwise passes them on.
private final class ImageCollector: ArrayReceiver {
    let array = ArrayCollector()

    func begin(_ layout: TensorLayout, at offset: Int) throws(FuzzFailure) {
        precondition(layout.shape.count == 3 && layout.shape[0] == 1)
        guard layout.byteCount <= byteLimit else { throw FuzzFailure(.tooLarge(limit: byteLimit)) }
        try array.begin(layout, at: offset)
    }

    func receive(_ bytes: borrowing Span<UInt8>) throws(FuzzFailure) { try array.receive(bytes) }

    func end() throws(FuzzFailure) { try array.end() }
}

/// Decodes a PNG image, as it is and with its checksums mended, which no mutation gets right. Either it fails whole and
/// in pieces, or the same array comes out.
func fuzzPNG(_ input: [UInt8]) {
    for file in [input, mended(input)] {
        precondition(decodedPNG(file, by: max(file.count, 1)) == decodedPNG(file, by: chunkSize(of: input)))
    }
}

/// Nil where it fails. By which error is not compared: libpng finds its own sooner in larger pieces.
private func decodedPNG(_ input: [UInt8], by size: Int) -> ArrayCollector? {
    let colours = ColourClasses([.init(red: 0, green: 0, blue: 0): 0, .init(red: 255, green: 0, blue: 0): 300])
    let image = ImageCollector()
    do throws(FuzzFailure) {
        let decoder = try PNGDecoder(receiver: image, colours: input.count % 2 == 0 ? colours : nil)
        try push(input, by: size) { (bytes) throws(FuzzFailure) in try decoder.decode(bytes) }
        try decoder.finish()
    } catch {
        return nil
    }
    precondition(image.array.hasEnded)
    return image.array
}

/// The file with the right checksum behind each chunk that is whole.
private func mended(_ input: [UInt8]) -> [UInt8] {
    var file = input
    var start = 8
    while start + 12 <= file.count {
        let length = file[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= file.count - start - 12 else { break }
        var checksum = UInt32.max
        for byte in file[start + 4..<start + 8 + length] {
            checksum ^= UInt32(byte)
            for _ in 0..<8 { checksum = checksum & 1 == 0 ? checksum >> 1 : checksum >> 1 ^ 0xEDB8_8320 }
        }
        for index in 0..<4 { file[start + 8 + length + index] = UInt8(~checksum >> UInt32(24 - 8 * index) & 0xFF) }
        start += 12 + length
    }
    return file
}
