@testable import Codecs

/// Decodes a form twice, whole and in pieces: the same parts must come out, or the same error.
func fuzzForm(_ input: [UInt8]) {
    precondition(decodedForm(input, by: max(input.count, 1)) == decodedForm(input, by: chunkSize(of: input)))
    // The first line as the field that names the boundary.
    let field = String(decoding: input.prefix { $0 != 0x0A }, as: UTF8.self)
    _ = FieldParameters(field)
    if let type = MultipartType("multipart/form-data; " + field) { _ = makeDecoder(type) }
}

/// A part of a form, with its bytes.
private struct KeptPart: Equatable {
    let head: FormPart
    var bytes: [UInt8] = []
}

private let fuzzedType = MultipartType("multipart/form-data; boundary=a-line-between-parts")

private func makeDecoder(_ type: MultipartType) -> Result<MultipartDecoder, CodecError> {
    Result { () throws(CodecError) in try MultipartDecoder(type) }
}

private func decodedForm(_ input: [UInt8], by size: Int) -> Result<[KeptPart], FuzzFailure> {
    guard let fuzzedType, case .success(var decoder) = makeDecoder(fuzzedType) else {
        fatalError("the fuzzer's own boundary is refused")
    }
    return Result { () throws(FuzzFailure) in
        var parts: [KeptPart] = []
        try push(input, by: size) { (bytes) throws(FuzzFailure) in
            try decoder.decode(bytes) { (part, offset, bytes) throws(FuzzFailure) in
                if offset == 0 { parts.append(KeptPart(head: part)) }
                precondition(parts.last?.head == part && parts.last?.bytes.count == Int(offset))
                parts[parts.count - 1].bytes.append(bytes)
                return 0
            }
        }
        do throws(CodecError) { try decoder.finish() } catch { throw FuzzFailure(error) }
        return parts
    }
}
