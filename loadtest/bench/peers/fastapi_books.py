"""FastAPI, SQLAlchemy and pydantic: the usual book service, with its usual instrumentation.

The same routes and table as bookapp's hot paths. Adding a book waits for Kafka's acknowledgement,
as services without an outbox do. Run by `uvicorn loadtest.bench.peers.fastapi_books:app`.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from aiokafka import AIOKafkaProducer
from fastapi import Depends, FastAPI, HTTPException, Query
from loadtest.bench.peers.telemetry import configure
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import BigInteger, Text, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

TOPIC = "peer_book_ingestion"
engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=10,
    max_overflow=0,
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """SQLAlchemy's registry of tables."""


class BookRow(Base):
    """The peer's own table of books."""

    __tablename__ = "peer_book"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text, default="available")


class NewBook(BaseModel):
    """The body of an add."""

    title: str = Field(min_length=1, max_length=1000)
    author: str = Field(min_length=1, max_length=1000)
    status: str = "available"


class Book(NewBook):
    """A book as it is answered."""

    model_config = ConfigDict(from_attributes=True)
    id: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the table, hold one producer for the life of the process."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    app.state.producer = AIOKafkaProducer(
        bootstrap_servers=os.environ["KAFKA_BROKER_URL"], acks="all", enable_idempotence=True
    )
    await app.state.producer.start()
    yield
    await app.state.producer.stop()
    await engine.dispose()
    if shut_down_telemetry:
        shut_down_telemetry()


async def session() -> AsyncIterator[AsyncSession]:
    """One session a request."""
    async with sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]
shut_down_telemetry = configure("peer-fastapi")
app = FastAPI(lifespan=lifespan)


@app.get("/books")
async def list_books(
    session: Session, limit: Annotated[int, Query(ge=1, le=1000)] = 100, after: int = 0
) -> list[Book]:
    """A page of books, without details."""
    rows = await session.scalars(
        select(BookRow).where(BookRow.id > after).order_by(BookRow.id).limit(limit)
    )
    return [Book.model_validate(row) for row in rows]


@app.get("/books/{book_id}")
async def get_book(book_id: int, session: Session) -> Book:
    """One book."""
    row = await session.get(BookRow, book_id)
    if row is None:
        raise HTTPException(404)
    return Book.model_validate(row)


@app.post("/books/add", status_code=201)
async def add_book(new: NewBook, session: Session) -> int:
    """Store a book, commit, and wait until Kafka has the record."""
    row = BookRow(**new.model_dump())
    session.add(row)
    await session.commit()
    record = {"type": "added", "book": {"id": row.id, **new.model_dump()}}
    await app.state.producer.send_and_wait(
        TOPIC, json.dumps(record).encode(), key=str(row.id).encode()
    )
    return row.id


if shut_down_telemetry:
    from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    FastAPIInstrumentor.instrument_app(app, exclude_spans=["send", "receive"])
    SQLAlchemyInstrumentor().instrument(engine=engine.sync_engine)
    AIOKafkaInstrumentor().instrument()
