import ServiceInterface

@testable import HTTPServer

/// Keeps the parts of a form, and holds its reader to what it promises.
private final class PartCollector: PartReceiver {
    struct Part: Equatable {
        let head: FormPart
        var bytes: [UInt8] = []
    }
    private(set) var parts: [Part] = []

    func receive(_ part: FormPart, offset: UInt64, bytes: borrowing Span<UInt8>) -> PartDemand {
        if offset == 0 { parts.append(Part(head: part)) }
        precondition(parts.last?.head == part && parts.last?.bytes.count == Int(offset))
        parts[parts.count - 1].bytes.append(bytes)
        return .more
    }
}

/// Reads a form twice, whole and in pieces: the same parts must come out, or the same error.
func fuzzForm(_ input: [UInt8]) {
    precondition(readForm(input, by: max(input.count, 1)) == readForm(input, by: chunkSize(of: input)))
    // The first line as the field that names the boundary.
    let field = String(decoding: input.prefix { $0 != 0x0A }, as: UTF8.self)
    _ = FieldParameters(field)
    _ = FormFactory(contentType: "multipart/form-data; " + field)
}

private func readForm(_ input: [UInt8], by size: Int) -> Result<[PartCollector.Part], MultipartError> {
    Result { () throws(MultipartError) in
        let parts = PartCollector()
        let reader = FormReader(boundary: Array("a-line-between-parts".utf8), receiver: parts)
        try push(input, by: size) { (bytes) throws(MultipartError) in try reader.receive(bytes) }
        try reader.finish()
        return parts.parts
    }
}
