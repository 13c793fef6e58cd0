"""One operation of usher's, `GET /v1/users/{id}`, as FastAPI with SQLAlchemy and asyncpg does it on the same tables: the same check of the
same access token, the session, the epoch and the permissions from the database at every request, and the same JSON."""

import os
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException
from sqlalchemy import ForeignKey, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

ISSUER = os.environ["PEER_ISSUER"]
KEYS = {key.key_id: key.key for key in jwt.PyJWKSet.from_json(os.environ["PEER_KEYS"]).keys}

engine = create_async_engine(os.environ["PEER_DATABASE"], pool_size=8, max_overflow=0)
Sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Email(Base):
    __tablename__ = "emails"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    address: Mapped[str]
    is_primary: Mapped[bool]
    verified_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Role(Base):
    __tablename__ = "user_roles"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role_name: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime | None]


class User(Base):
    __tablename__ = "users"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    username: Mapped[str]
    status: Mapped[str]
    given_name: Mapped[str | None]
    family_name: Mapped[str | None]
    display_name: Mapped[str | None]
    bio: Mapped[str | None]
    picture_url: Mapped[str | None]
    website_url: Mapped[str | None]
    github_url: Mapped[str | None]
    linkedin_url: Mapped[str | None]
    locale: Mapped[str | None]
    time_zone: Mapped[str | None]
    professional_at: Mapped[datetime | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    locked_until: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    purge_after: Mapped[datetime | None]
    version: Mapped[int]
    emails: Mapped[list[Email]] = relationship(lazy="selectin", order_by=(Email.is_primary.desc(), Email.created_at, Email.id))
    roles: Mapped[list[Role]] = relationship(lazy="selectin", order_by=Role.role_name)


_CHECK = text("""
    select u.status, s.auth_epoch = u.auth_epoch as is_of_this_epoch, s.ended_at is null and s.expires_at > now() as lives,
        exists (select from emails e where e.user_id = u.id and e.is_primary and e.verified_at is not null) as is_verified,
        array(
            select distinct p from role_ways(u.id, now()) w join roles r on r.name = w.role_name cross join unnest(r.permissions) p
        ) as permissions
    from sessions s join users u on u.id = s.user_id where s.id = :id""")
_PERMISSIONS = text("""
    select distinct p from effective_roles(:id, now()) w join roles r on r.name = w.role_name cross join unnest(r.permissions) p""")
_PROFILE = (
    "given_name", "family_name", "display_name", "bio", "picture_url", "website_url", "github_url", "linkedin_url", "locale", "time_zone",
)  # fmt: skip
_REST = ("locked_until", "last_sign_in_at", "created_at", "updated_at", "deleted_at", "purge_after", "version")


async def session() -> AsyncSession:
    async with Sessions() as opened:
        yield opened


Database = Annotated[AsyncSession, Depends(session)]


async def permissions(database: Database, authorization: Annotated[str, Header()]) -> set[str]:
    try:
        token = authorization.removeprefix("Bearer ")
        key = KEYS[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=["EdDSA"], issuer=ISSUER, audience=ISSUER)
    except (jwt.InvalidTokenError, KeyError):
        raise HTTPException(401) from None
    found = (await database.execute(_CHECK, {"id": UUID(claims["sid"])})).one_or_none()
    if not found or found.status != "active" or not (found.is_of_this_epoch and found.lives and found.is_verified):
        raise HTTPException(401)
    return set(found.permissions)


@app.get("/v1/users/{user_id}")
async def read_user(user_id: UUID, database: Database, held: Annotated[set[str], Depends(permissions)]) -> dict[str, Any]:
    if "users:read" not in held:
        raise HTTPException(403)
    user = await database.scalar(select(User).where(User.id == user_id))
    if not user:
        raise HTTPException(404)
    if not set(await database.scalars(_PERMISSIONS, {"id": user_id})) <= held:
        raise HTTPException(403)
    primary = next((email for email in user.emails if email.is_primary), None)
    emails = [
        {"id": email.id, "address": email.address, "primary": email.is_primary, "verified_at": email.verified_at} for email in user.emails
    ]
    return {
        "id": user.id,
        "username": user.username,
        "status": user.status,
        "email": primary and primary.address,
        "email_verified": bool(primary and primary.verified_at),
        "emails": emails,
        "avatar_url": f"/avatars/{user.id}.svg",
        **{name: getattr(user, name) for name in _PROFILE},
        "professional_at": user.professional_at,
        "attributes": user.attributes,
        "roles": [role.role_name for role in user.roles],
        **{name: getattr(user, name) for name in _REST},
    }
