-- Exchanges refresh tokens, each for its successor: FILE. There are more tokens than connections; one that is on its way is nobody
-- else's.
local tokens = {}

function init(given)
    for token in io.lines(given[1]) do
        tokens[#tokens + 1] = token
    end
end

function request()
    local body = '{"refresh_token":"' .. table.remove(tokens) .. '"}'
    return wrk.format("POST", "/v1/refresh", { ["Content-Type"] = "application/json" }, body)
end

function response(_, _, body)
    local token = body:match('"refresh_token":"([^"]+)"')
    if token then
        tokens[#tokens + 1] = token
    end
end
