import CSimdJSON
import Memory

/// Walks the members of the object that a JSON text holds.
@safe
final class JSONParser {
    private let parser: OpaquePointer
    /// The size of the text, which errors name.
    private let count: Int

    /// - Parameters:
    ///   - text: The text, which has to outlive the parser.
    ///   - capacity: The size of the memory that holds the text: at least that of the text and of the padding that the
    ///     library asks for.
    init(text: UnsafePointer<CChar>, count: Int, capacity: Int) throws(CodecError) {
        // The library's own objects take a few kilobytes.
        guard let parser = unsafe segscore_json_open() else { throw .outOfMemory(byteCount: 4096) }
        unsafe self.parser = parser
        self.count = count
        let status = unsafe segscore_json_begin(parser, text, count, capacity)
        if status != .ok { throw error(status, name: "") }
    }

    deinit {
        unsafe segscore_json_close(parser)
    }

    /// Goes to the next member; nil at the end of the object, which is the end of the text.
    func nextName() throws(CodecError) -> String? {
        var name = unsafe segscore_json_string()
        let status = unsafe segscore_json_next(parser, &name)
        switch status {
        case .ok: return unsafe string(name)
        case .end: return nil
        default: throw error(status, name: "")
        }
    }

    /// Reads the member as a nested list of numbers.
    ///
    /// - Parameters:
    ///   - limit: The most numbers that the list may have.
    func readArray(of name: String, limit: Int) throws(CodecError) -> (TensorLayout, Buffer<Double>) {
        var array = unsafe segscore_json_array()
        let status = unsafe segscore_json_read_array(parser, &array, limit)
        guard status == .ok else { throw error(status, name: name) }
        let elements: Buffer<Double>
        do {
            elements = try unsafe Buffer(adopting: array.elements, count: array.count)
        } catch {
            throw .outOfMemory(byteCount: 0)
        }
        let extents = unsafe withUnsafeBytes(of: array.shape) { unsafe Array($0.bindMemory(to: Int.self)) }
        do {
            let shape = Array(extents.prefix(unsafe array.rank))
            let layout = try TensorLayout(elementType: ElementType(.float64), shape: shape)
            precondition(layout.elementCount == elements.count)
            return (layout, elements)
        } catch {
            throw .shape(error)
        }
    }

    /// Whether the member is an object.
    var isObject: Bool { unsafe segscore_json_is_object(parser) }

    /// Reads a member that is not to be read as a list of numbers.
    func readValue(of name: String) throws(CodecError) -> JSONScalar {
        var value = unsafe segscore_json_value()
        let status = unsafe segscore_json_read_value(parser, &value)
        guard status == .ok else { throw error(status, name: name) }
        switch unsafe value.kind {
        case .null: return .null
        case .bool: return unsafe .bool(value.boolean)
        case .number: return unsafe .number(value.number, text: string(value.text))
        case .string: return unsafe .string(string(value.text))
        case .strings:
            let strings = unsafe UnsafeBufferPointer(start: value.strings, count: value.string_count)
            return unsafe .strings(strings.map { unsafe string($0) })
        case .object:
            let strings = unsafe UnsafeBufferPointer(start: value.strings, count: value.string_count)
            var members: [String: String] = [:]
            for index in stride(from: 0, to: strings.count, by: 2) {
                let (name, value) = unsafe (string(strings[index]), string(strings[index + 1]))
                guard members.updateValue(value, forKey: name) == nil else { throw .jsonRepeated(name: name) }
            }
            return .object(members)
        case .numbers:
            let texts = unsafe UnsafeBufferPointer(start: value.strings, count: value.string_count)
            return unsafe .numbers(texts.map { unsafe string($0) })
        case .members: return unsafe .members(string(value.text))
        case .other: return .other
        }
    }

    @unsafe
    private func string(_ text: segscore_json_string) -> String {
        unsafe text.start.withMemoryRebound(to: UInt8.self, capacity: text.count) { start in
            unsafe String(decoding: UnsafeBufferPointer(start: start, count: text.count), as: UTF8.self)
        }
    }

    private func error(_ status: segscore_json_status, name: String) -> CodecError {
        let fault = unsafe segscore_json_last_fault(parser)
        let position = fault.position < 0 ? nil : fault.position
        let indices = unsafe withUnsafeBytes(of: fault.path) { unsafe Array($0.bindMemory(to: Int.self)) }
        let path = Array(indices.prefix(fault.path_count))
        switch status {
        case .empty: return .json(.empty, position: nil)
        case .syntax: return .json(.syntax, position: position)
        case .utf8: return .json(.utf8, position: nil)
        case .string: return .json(.string, position: position)
        case .number: return .json(.number, position: position)
        case .incomplete: return .json(.incomplete, position: nil)
        case .notObject: return .json(.notAnObject, position: nil)
        case .trailing: return .json(.trailingContent, position: position)
        case .deep: return .json(.tooDeep, position: position)
        case .long: return .tooLarge(limit: Int(UInt32.max))
        case .memory: return .outOfMemory(byteCount: count)
        case .notFinite: return .jsonNotFinite(name: name, path: path, position: position)
        case .notList: return .jsonNotAList(name: name)
        case .notNumber: return .jsonNotANumber(name: name, path: path)
        case .ragged:
            return .jsonRagged(name: name, path: path, expected: fault.expected, actual: fault.actual)
        case .mixed: return .jsonMixedDepth(name: name, path: path)
        case .arrayDeep: return .jsonTooDeep(name: name, limit: Int(SEGSCORE_JSON_DEPTH))
        case .ok, .end: preconditionFailure("Not an error.")
        }
    }
}
