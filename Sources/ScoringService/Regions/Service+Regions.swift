import DatasetScoring
import HTTPTypes
import Jobs
import JobStorage
import Memory
import Scoring
import ServiceInterface
import WebService

/// The endpoints for the regions of a job.
extension Service {
    /// The most regions that a page has.
    static let largestPage = 10_000

    /// `GET /jobs/{id}/regions`
    func showRegions(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        let format = try MediaType.negotiated(call.request.head.headerFields[.accept], offers: [.json, .csv])
        let parameters = try Parameters(
            target: call.request.head.path ?? "",
            known: RegionQuery.namesOfKind + RegionQuery.namesOfFilter + ["order", "limit", "cursor"])
        let query = try RegionQuery(parameters)
        let order: RegionOrder = try parameters.choice("order") ?? .mass
        let limit = try parameters.integer("limit", in: 1...Self.largestPage)
        let cursor = try parameters.cursor()
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let found = try self.regions(of: job, scores, try query.kind(job, scores))
                try query.check(scores)
                let places = try found.places(by: order)
                let names = job.details.names
                let log = try self.decisions(on: id).read()
                let kind = found.kind
                if format == .csv, limit == nil, cursor == nil {
                    let all = found.regions.all
                    return try .lines(
                        .csv, header: Array((RegionDocument.header + "\r\n").utf8), count: places.count
                    ) { number in
                        let region = all.span[Int(places.span[number])]
                        guard query.includes(region, of: kind, in: log) else { return nil }
                        return Array(RegionDocument(region, in: scores, names).line.utf8)
                    }
                }
                let limit = limit ?? 100
                let held = limit * MemoryLayout<Region>.stride
                return try Problem.reserving(held) { () throws(Problem) -> Response in
                    let page = found.page(places, query, log, from: cursor ?? 0, limit: limit)
                    guard format == .json else {
                        let text = RegionDocument.header + "\r\n"
                        let lines = page.regions.map { RegionDocument($0, in: scores, names).line }
                        return try .bytes(.ok, .csv, Array(([text] + lines).joined().utf8))
                    }
                    return try .json(holding: held) { writer in
                        writer.object { members in
                            members.string("of", found.kind.source.rawValue)
                            members.number("threshold", found.kind.threshold)
                            members.integer("total", page.total)
                            members.rows("regions", count: page.regions.count) { members, row in
                                let region = page.regions[row]
                                RegionDocument(region, in: scores, names).write(to: &members)
                                members.write(log.lastWord(on: region.place(of: kind)))
                            }
                            members.string("next", page.next.map(String.init))
                        }
                    }
                }
            }
        })
    }

    /// `GET /jobs/{id}/regions/matrix`
    func showRegionMatrix(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        try checkJSONIsAccepted(call.request)
        let parameters = try Parameters(
            target: call.request.head.path ?? "", known: RegionQuery.namesOfKind + RegionQuery.namesOfFilter)
        let query = try RegionQuery(parameters)
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let found = try self.regions(of: job, scores, try query.kind(job, scores))
                try query.check(scores)
                let log = try self.decisions(on: id).read()
                let all = found.regions.all
                let pairCount = min(scores.classCount * scores.classCount, all.count)
                let cells = try Problem.reserving(pairCount * RegionMatrix.bytesOfACell) {
                    () throws(Problem) -> [RegionMatrix.Cell] in
                    RegionMatrix(all) { query.includes($0, of: found.kind, in: log) }.cells
                }
                return try .json { writer in
                    writer.object { members in
                        members.string("of", found.kind.source.rawValue)
                        members.number("threshold", found.kind.threshold)
                        members.rows("cells", count: cells.count) { members, row in
                            members.integer("given", cells[row].given)
                            members.integer("suggested", cells[row].suggested)
                            members.integer("regions", cells[row].regionCount)
                            members.integer("pixels", cells[row].pixelCount)
                            members.number("mass", cells[row].mass)
                        }
                    }
                }
            }
        })
    }

    /// `GET /jobs/{id}/regions/{region}`
    func showRegion(_ id: JobID, _ call: Call) throws(Problem) -> any RequestHandler {
        let format = try MediaType.negotiated(
            call.request.head.headerFields[.accept], offers: [.json, .geoJSON, .npy, .png])
        let query = try RegionQuery(
            try Parameters(target: call.request.head.path ?? "", known: RegionQuery.namesOfKind))
        let text = call["region"] ?? ""
        return BodilessHandler(later: { [self] answer in
            encode(answer) { () throws(Problem) in
                let (job, scores) = try self.finished(id)
                let kind = try query.kind(job, scores)
                let region = try self.regions(of: job, scores, kind).region(text, in: scores)
                let (part, image) = scores.locate(Int(region.image))
                let mask: RegionMask
                do throws(ScoringError) {
                    mask = try RegionMask(region, of: kind, in: part, image: image)
                } catch {
                    throw Problem(error)
                }
                let document = RegionDocument(region, in: scores, job.details.names)
                let decision = try self.decisions(on: id).read().lastWord(on: region.place(of: kind))
                return try Response.region(document, decision, mask, in: part.shape.labels, as: format)
            }
        })
    }

    /// The regions of a job, as they were found before, or found now on all processors.
    func regions(
        of job: Job<ScoreJob>, _ scores: DatasetScores, _ kind: RegionKind
    ) throws(Problem) -> FoundRegions {
        if let known = regionCache.find(job.id, kind) { return known }
        do throws(ScoringError) {
            let ignoredLabel = job.details.parameters.labels.ignoredLabel
            guard let regions = try Regions(of: kind, in: scores, ignoredLabel: ignoredLabel, on: imageLoop) else {
                preconditionFailure("nothing ends the search")
            }
            let found = FoundRegions(kind, regions)
            regionCache.add(job.id, found)
            return found
        } catch {
            throw Problem(error)
        }
    }
}

extension FoundRegions {
    /// Some of the regions that are asked for.
    ///
    /// - Parameters:
    ///   - places: The places of the regions in their order.
    ///   - start: The first place that is looked at.
    /// - Returns: At most `limit` regions, the place where the next page begins, and how many regions are asked for.
    fileprivate func page(
        _ places: Buffer<UInt32>, _ query: RegionQuery, _ log: DecisionLog, from start: Int, limit: Int
    ) -> (regions: [Region], next: Int?, total: Int) {
        let buffer = regions.all
        let (all, order) = (buffer.span, places.span)
        var (page, next, total) = ([Region](), Int?.none, 0)
        for place in order.indices {
            let region = all[Int(order[place])]
            guard query.includes(region, of: kind, in: log) else { continue }
            total += 1
            guard place >= start else { continue }
            if page.count < limit { page.append(region) } else if next == nil { next = place }
        }
        return (page, next, total)
    }

    /// The region of an id, as ``RegionDocument`` writes it.
    ///
    /// - Throws: A 404 problem if there is none.
    func region(_ text: String, in scores: DatasetScores) throws(Problem) -> Region {
        let numbers = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        if let image = numbers.first ?? nil, (0..<scores.imageCount).contains(image) {
            let pixel = scores.locate(image).part.shape.labels.pixel(at: numbers.dropFirst().compactMap(\.self))
            let region = pixel.flatMap { regions.region(ofImage: image, firstPixel: $0) }
            // Only as it is written, so that a region has one address.
            if let region, RegionDocument(region, in: scores, nil).id == text { return region }
        }
        throw Problem(
            .regionNotFound, "No region of \(kind.source.rawValue) has the id \"\(text)\".",
            expected: "an id that /regions lists for the same of and threshold", actual: text)
    }
}
