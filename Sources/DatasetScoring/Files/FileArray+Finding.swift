import Files
import Scoring

extension FileArray {
    /// Finds one of some arrays in a file.
    ///
    /// A member of an archive or a tensor of a safetensors file has an array's name. A file of a single array, whose name
    /// tells nothing, holds the first; and so does, of an archive with one member, that one, if it is wanted.
    ///
    /// - Parameters:
    ///   - arrays: At least one.
    ///   - takesOnlyMember: Whether the only member of an archive is an array, whatever its name.
    static func find(
        _ arrays: [ScoringError.Array], in file: InputFile, takesOnlyMember: Bool = false
    ) -> (array: ScoringError.Array, file: FileArray) {
        for name in FileArray(file: file, member: nil).tensorNames {
            guard let array = arrays.first(where: { $0.isCalled(name) }) else { continue }
            return (array, FileArray(file: file, member: name))
        }
        guard ZipMembers.isArchive(file) else { return (arrays[0], FileArray(file: file, member: nil)) }
        let names = ZipMembers.names(in: file)
        for name in names {
            guard let array = arrays.first(where: { $0.isCalled(NpzBody.arrayName(name) ?? "") }) else { continue }
            return (array, FileArray(file: file, member: name))
        }
        let only = takesOnlyMember && names.count == 1 ? names[0] : nil
        return (arrays[0], FileArray(file: file, member: only ?? arrays[0].rawValue))
    }
}
